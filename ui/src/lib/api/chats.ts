/** The chats API as the page uses it: conversations that the server keeps. */
import { refusal, request, stream, type Ended, type Sampling } from './client';

export interface ChatRow {
  id: number;
  title: string;
  created: string;
  updated: string;
  run: string | null;
  source: 'terminal' | 'page';
  messages: number;
  corrections: number;
  excerpt: string | null;
}

export interface ChatList {
  chats: ChatRow[];
  more: boolean;
}

export interface VariantRow {
  text: string;
  corrected: boolean;
  run: string | null;
  step: number | null;
  seed: string | null;
}

export interface MessageRow {
  position: number;
  role: 'user' | 'assistant';
  chosen: number;
  variants: VariantRow[];
}

export interface Chat {
  chat: ChatRow;
  messages: MessageRow[];
}

export interface Passage {
  kind: 'writing' | 'them' | 'me';
  before: string;
  after: string;
  question: string | null;
  in_corpus: boolean;
  title: string | null;
  reference: string | null;
  date: string | null;
}

export interface CopiedSpan {
  text: string;
  start: number;
  stop: number;
  count: number;
  passages: Passage[];
}

export interface Trace {
  run: string;
  text: string;
  min_characters: number;
  share: number;
  longest: number;
  spans: CopiedSpan[];
}

const CHATS = './api/chats';

export const listChats = (query: string, limit: number): Promise<ChatList> =>
  call('GET', `?${new URLSearchParams({ q: query, limit: String(limit) })}`);

export const openChat = (id: number): Promise<Chat> => call('GET', `/${id}`);

export const createChat = (signal: AbortSignal): Promise<ChatRow> => call('POST', '', {}, signal);

export const renameChat = (id: number, title: string): Promise<ChatRow> =>
  call('PATCH', `/${id}`, { title });

export async function deleteChat(id: number): Promise<void> {
  const response = await request('DELETE', `${CHATS}/${id}`);
  if (!response.ok) throw await refusal(response);
}

/** End the reply that is being written; the chat as it is stored then. */
export const stopReply = (id: number): Promise<Chat> => call('POST', `/${id}/stop`);

export const chooseVariant = (id: number, position: number, variant: number): Promise<Chat> =>
  call('POST', `/${id}/choose`, { position, variant });

export const correctReply = (
  id: number,
  position: number,
  text: string,
): Promise<Chat & { learned: boolean }> => call('PUT', `/${id}/messages/${position}`, { text });

export const undoCorrection = (id: number, position: number): Promise<Chat> =>
  call('DELETE', `/${id}/messages/${position}/correction`);

export const fetchWhy = (id: number, position: number): Promise<Trace> =>
  call('GET', `/${id}/messages/${position}/why`);

export const exportAddress = (id: number | null): string =>
  id === null ? `${CHATS}/export` : `${CHATS}/${id}/export`;

/** Say something in a kept chat. */
export const say = (
  id: number,
  message: string,
  sampling: Sampling,
  signal: AbortSignal,
  onText: (text: string) => void,
  onBegin: () => void,
): Promise<Ended> =>
  stream(`${CHATS}/${id}/messages`, { message, ...sampling }, signal, onText, onBegin);

/** Have the last message of a kept chat answered again. */
export const answerAgain = (
  id: number,
  sampling: Sampling,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<Ended> => stream(`${CHATS}/${id}/regenerate`, sampling, signal, onText);

async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await request(method, CHATS + path, body, signal);
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as T;
}
