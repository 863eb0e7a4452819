/** The chat API as the page uses it: health, and a reply as it is generated. */
import { SseParser } from './sse';
import type { Health, ModelChoice, Question, ReplyFrame } from './types';

/** A failure with a sentence for the reader; `ended` where a reply broke off. */
export class ChatError extends Error {
  ended: ReplyFrame = {};
}

/** The server has no such address at all: it is an older or another one. */
export class NotOfferedError extends ChatError {}

export const UNREACHABLE = 'The server is not responding. Is inkling serve still running?';

/** What the server says of itself and of a chosen model. */
export async function fetchHealth(choice: ModelChoice, signal: AbortSignal): Promise<Health> {
  const query = new URLSearchParams(Object.entries(choice).map(([name, value]) => [name, String(value)]));
  const response = await request('GET', `./api/health${query.size ? `?${query}` : ''}`, undefined, signal);
  if (!response.ok) throw new ChatError(await sentence(response));
  return (await response.json()) as Health;
}

/**
 * Ask without anything being kept, and hand over the reply as it comes. Where the server has no
 * streaming (404 before any byte) the whole reply comes from /api/chat, after `onFallback`.
 * Throws ChatError; an abort is a DOMException named AbortError.
 */
export async function ask(
  question: Question,
  signal: AbortSignal,
  onText: (text: string) => void,
  onFallback: () => void,
): Promise<ReplyFrame> {
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

/**
 * Read a reply as server-sent events; `onBegin` once the server has taken the question, with the
 * chat that it began where it did. Without a body it is one that is being generated already.
 */
export async function stream(
  path: string,
  body: unknown,
  signal: AbortSignal,
  onText: (text: string) => void,
  onBegin: (chat?: number) => void = () => {},
): Promise<ReplyFrame> {
  const response = await request(body === undefined ? 'GET' : 'POST', path, body, signal);
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
      if (frame.chat !== undefined) onBegin(frame.chat);
      if (frame.text) onText(frame.text);
    }
  }
}

export async function request(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  keepalive = false,
): Promise<Response> {
  const options: RequestInit = { method, keepalive };
  if (signal) options.signal = signal;
  if (body instanceof Blob) {
    options.headers = { 'Content-Type': 'application/octet-stream' };
    options.body = body;
  } else if (body !== undefined) {
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

function parseFrame(data: string): ReplyFrame {
  try {
    return JSON.parse(data) as ReplyFrame;
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
