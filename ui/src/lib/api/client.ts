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

export interface Question {
  message: string;
  history: Turn[];
  temperature: number;
  top_k: number;
}

/** A failure with a sentence for the reader. */
export class ChatError extends Error {}

export const UNREACHABLE = 'The server does not answer. Is inkling serve still running?';

export async function fetchHealth(): Promise<Health> {
  let response: Response;
  try {
    response = await fetch('./api/health');
  } catch {
    throw new ChatError(UNREACHABLE);
  }
  if (!response.ok) throw new ChatError(await sentence(response));
  return (await response.json()) as Health;
}

/**
 * Ask, and hand over the reply piece by piece. Where the server has no streaming (404 before
 * any byte) the whole reply comes from /api/chat; `onFallback` is told.
 * Throws ChatError; an abort is a DOMException named AbortError.
 */
export async function ask(
  question: Question,
  signal: AbortSignal,
  onText: (text: string) => void,
  onFallback: () => void,
): Promise<void> {
  const response = await post('./api/chat/stream', question, signal);
  if (response.status === 404) {
    onFallback();
    const whole = await post('./api/chat', question, signal);
    if (!whole.ok) throw new ChatError(await sentence(whole));
    onText(((await whole.json()) as { reply: string }).reply);
    return;
  }
  if (!response.ok || !response.body) throw new ChatError(await sentence(response));
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
      if (frame.error !== undefined) throw new ChatError(frame.error);
      if (frame.done) return;
      if (frame.text) onText(frame.text);
    }
  }
}

async function post(path: string, body: Question, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ChatError(UNREACHABLE);
  }
}

function parseFrame(data: string): { text?: string; done?: boolean; error?: string } {
  try {
    return JSON.parse(data) as { text?: string; done?: boolean; error?: string };
  } catch {
    throw new ChatError('The server sent something that is not a reply.');
  }
}

/** The server's own sentence for a refusal. */
export async function sentence(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: string };
    if (body.error) return body.error;
  } catch {
    // not JSON: the status says all there is
  }
  return `The server answered with status ${response.status}.`;
}
