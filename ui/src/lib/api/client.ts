/** The chat API as the page uses it: health, and a reply as it is written. */
import { SseParser } from './sse';

export interface ModelFacts {
  run: string;
  step: number;
  tuned: boolean;
  parameters: number;
  blocks: number;
  width: number;
  context: number;
  vocabulary: number;
  corpus_characters: number;
}

export interface Health {
  ok: boolean;
  name: string;
  stream: boolean;
  error: string | null;
  model: ModelFacts | null;
  opening: string | null;
  starters: string[];
}

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

/** How a reply is to be drawn; a seed is digits, because it may be longer than a number is exact. */
export interface Sampling {
  temperature: number;
  top_k: number;
  top_p: number;
  best_of: number;
  max_tokens: number;
  seed?: string;
}

export interface Question extends Sampling {
  message: string;
  history: Turn[];
}

/** How a reply ended, and in a kept chat where it was stored and what wrote it. */
export interface Ended {
  text?: string;
  error?: string;
  done?: boolean;
  stopped?: boolean;
  position?: number;
  variant?: number;
  seed?: string;
  run?: string;
  step?: number;
}

/** A failure with a sentence for the reader; `ended` where a reply broke off. */
export class ChatError extends Error {
  ended: Ended = {};
}

/** The server has no such address at all: it is an older or another one. */
export class NotOfferedError extends ChatError {}

export const UNREACHABLE = 'The server does not answer. Is inkling serve still running?';

export async function fetchHealth(): Promise<Health> {
  const response = await request('GET', './api/health');
  if (!response.ok) throw new ChatError(await sentence(response));
  return (await response.json()) as Health;
}

/**
 * Ask without anything being kept, and hand over the reply piece by piece. Where the server has
 * no streaming (404 before any byte) the whole reply comes from /api/chat; `onFallback` is told.
 * Throws ChatError; an abort is a DOMException named AbortError.
 */
export async function ask(
  question: Question,
  signal: AbortSignal,
  onText: (text: string) => void,
  onFallback: () => void,
): Promise<Ended> {
  try {
    return await stream('./api/chat/stream', question, signal, onText);
  } catch (error) {
    if (!(error instanceof NotOfferedError)) throw error;
  }
  onFallback();
  const whole = await request('POST', './api/chat', question, signal);
  if (!whole.ok) throw new ChatError(await sentence(whole));
  onText(((await whole.json()) as { reply: string }).reply);
  return { done: true };
}

/** Read a reply as server-sent events; `onBegin` once the server has taken the question. */
export async function stream(
  path: string,
  body: unknown,
  signal: AbortSignal,
  onText: (text: string) => void,
  onBegin: () => void = () => {},
): Promise<Ended> {
  const response = await request('POST', path, body, signal);
  if (!response.ok || !response.body) throw await refusal(response);
  onBegin();
  const reader = response.body.getReader();
  const parser = new SseParser();
  for (;;) {
    let chunk: ReadableStreamReadResult<Uint8Array>;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ChatError('The connection was lost in the middle of the reply.');
    }
    if (chunk.done) throw new ChatError('The reply ended before it was finished.');
    for (const data of parser.push(chunk.value)) {
      const frame = parseFrame(data);
      if (frame.error !== undefined) {
        const failure = new ChatError(frame.error);
        failure.ended = frame;
        throw failure;
      }
      if (frame.done) return frame;
      if (frame.text) onText(frame.text);
    }
  }
}

export async function request(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const options: RequestInit = { method };
  if (signal) options.signal = signal;
  if (body !== undefined) {
    options.headers = { 'Content-Type': 'application/json' };
    options.body = JSON.stringify(body);
  }
  try {
    return await fetch(path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ChatError(UNREACHABLE);
  }
}

function parseFrame(data: string): Ended {
  try {
    return JSON.parse(data) as Ended;
  } catch {
    throw new ChatError('The server sent something that is not a reply.');
  }
}

/** A refusal as an error. A 404 without a sentence is no refusal: nothing is there at all. */
export async function refusal(response: Response): Promise<ChatError> {
  const said = await errorOf(response);
  if (said === null && response.status === 404) return new NotOfferedError(plain(404));
  return new ChatError(said ?? plain(response.status));
}

/** The server's own sentence for a refusal. */
export async function sentence(response: Response): Promise<string> {
  return (await errorOf(response)) ?? plain(response.status);
}

const plain = (status: number): string => `The server answered with status ${status}.`;

async function errorOf(response: Response): Promise<string | null> {
  try {
    return ((await response.json()) as { error?: string }).error || null;
  } catch {
    return null; // not JSON: the status says all there is
  }
}
