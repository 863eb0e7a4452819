/** The chats API as the page uses it: conversations that the server keeps. */
import { refusal, request, stream } from './client';
import type { Asking, Chat, ChatList, ChatRow, CorrectedChat, ReplyFrame, Trace } from './types';

const CHATS = './api/chats';

export const listChats = (query: string, limit: number): Promise<ChatList> =>
  call('GET', `?${new URLSearchParams({ q: query, limit: String(limit) })}`);

export const openChat = (id: number, signal?: AbortSignal): Promise<Chat> =>
  call('GET', `/${id}`, undefined, signal);

/** A new chat with what was said in another before a message. */
export const copyChat = (id: number, before: number): Promise<ChatRow> =>
  call('POST', `/${id}/copy`, { before });

export const renameChat = (id: number, title: string): Promise<ChatRow> =>
  call('PATCH', `/${id}`, { title });

/** For good. Sent even where the page is about to go. */
export async function deleteChat(id: number): Promise<void> {
  const response = await request('DELETE', `${CHATS}/${id}`, undefined, undefined, true);
  if (!response.ok && response.status !== 404) throw await refusal(response);
}

/** End the reply that is being generated; the chat as it is stored then. */
export const stopReply = (id: number): Promise<Chat> => call('POST', `/${id}/stop`);

export const chooseVariant = (id: number, position: number, variant: number): Promise<Chat> =>
  call('POST', `/${id}/choose`, { position, variant });

export const correctReply = (
  id: number,
  position: number,
  text: string,
): Promise<CorrectedChat> => call('PUT', `/${id}/messages/${position}`, { text });

export const undoCorrection = (id: number, position: number): Promise<Chat> =>
  call('DELETE', `/${id}/messages/${position}/correction`);

export const fetchWhy = (id: number, position: number): Promise<Trace> =>
  call('GET', `/${id}/messages/${position}/why`);

export const exportAddress = (id: number | null): string =>
  id === null ? `${CHATS}/export` : `${CHATS}/${id}/export`;

/** Send a message to a kept chat, or begin one with it (null): `onBegin` gets its id. */
export const say = (
  id: number | null,
  message: string,
  asking: Asking,
  signal: AbortSignal,
  onText: (text: string) => void,
  onBegin: (chat?: number) => void,
): Promise<ReplyFrame> =>
  stream(`${CHATS}${id === null ? '' : `/${id}`}/messages`, { message, ...asking }, signal, onText, onBegin);

/** Another reply to the last message of a kept chat. */
export const regenerate = (
  id: number,
  asking: Asking,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<ReplyFrame> => stream(`${CHATS}/${id}/regenerate`, asking, signal, onText);

/** The reply that is being generated already, from its first character on. */
export const listen = (
  id: number,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<ReplyFrame> => stream(`${CHATS}/${id}/reply`, undefined, signal, onText);

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
