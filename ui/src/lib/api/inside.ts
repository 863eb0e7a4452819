/** The Inside API as the page uses it. A text travels in the body, never in the address. */
import { readTensors, type Tensor } from '../inside/tensors';
import { ChatError, request, sentence } from './client';
import type {
  ContinueAnswer,
  FiringAnswer,
  HeadsAnswer,
  InsideRuns,
  Ladders,
  NeuronsAnswer,
  NextAnswer,
  PairsAnswer,
  PassagesAnswer,
  PiecesAnswer,
  StepsAnswer,
  SurpriseAnswer,
} from './types';

/** Which checkpoint reads which text. */
export interface Asked {
  run: string;
  step: number;
  text: string;
  reply: string | null;
  start: number | null;
}

export interface Sliders {
  temperature: number;
  top_k: number;
  top_p: number;
}

interface Answers {
  pieces: PiecesAnswer;
  pairs: PairsAnswer;
  passages: PassagesAnswer;
  continue: ContinueAnswer;
  heads: HeadsAnswer;
  neurons: NeuronsAnswer;
  firing: FiringAnswer;
  next: NextAnswer;
  surprise: SurpriseAnswer;
  steps: StepsAnswer;
}

async function sent(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const response = await request(method, `./api/inside/${path}`, body, signal);
  if (!response.ok) throw new ChatError(await sentence(response));
  return response;
}

/** What a panel shows. Throws ChatError; an abort is a DOMException named AbortError. */
export async function inspect<Name extends keyof Answers>(
  name: Name,
  body: Partial<Asked> & Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Answers[Name]> {
  return (await (await sent('POST', name, body, signal)).json()) as Answers[Name];
}

export async function inspectTensors(
  name: 'attention' | 'tiles' | 'activations',
  body: Asked & Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Record<string, Tensor>> {
  return readTensors(await (await sent('POST', name, body, signal)).arrayBuffer());
}

export const fetchInsideRuns = async (): Promise<InsideRuns> =>
  (await (await sent('GET', 'runs')).json()) as InsideRuns;

export const fetchLadders = async (): Promise<Ladders> =>
  (await (await sent('GET', 'ladders')).json()) as Ladders;

export const climbLadder = async (minutes: number): Promise<void> => {
  await sent('POST', 'ladders', { minutes });
};
