/** The imports API as the page uses it: what is sent, what was found in it, what was added. */
import { NotOfferedError, refusal, request } from './client';
import type {
  CorpusSource,
  CorpusStatistics,
  ImportAnswer,
  ImportEvents,
  ImportNow,
  KnownSource,
  Said,
} from './types';
import type { Picked } from '../picked';

const IMPORTS = './api/imports';

export const fetchImport = async (): Promise<ImportNow | null> =>
  (await call<ImportAnswer>('GET', IMPORTS)).now;

/** Announce files. They are sent by `sendFiles`. */
export const beginFiles = (files: readonly Picked[]): Promise<ImportNow> =>
  call('POST', IMPORTS, { files: files.map(({ path, file }) => ({ path, size: file.size })) });

/** Read what is published at an address. */
export const beginAddress = (address: string): Promise<ImportNow> =>
  call('POST', IMPORTS, { address });

/** All files, one behind the other; the browser reads them from the disk as they go. */
export const sendFiles = (
  id: string,
  files: readonly Picked[],
  signal: AbortSignal,
): Promise<ImportNow> =>
  call('PUT', `${IMPORTS}/${id}/files`, new Blob(files.map(({ file }) => file)), signal);

/** Read what was sent once more, as a person says. */
export const readImportAgain = (id: string, said: Said): Promise<ImportNow> =>
  call('POST', `${IMPORTS}/${id}/read`, said);

/** Add what was found. `me` says, by importer, which of the people the author is. */
export const confirmImport = (
  id: string,
  me: Record<string, string[]>,
  drafts: boolean,
): Promise<ImportNow> => call('POST', `${IMPORTS}/${id}/confirm`, { me, drafts });

export async function cancelImport(id: string): Promise<void> {
  const response = await request('DELETE', `${IMPORTS}/${id}`);
  if (!response.ok && response.status !== 404) throw await refusal(response);
}

export const fetchKnown = async (): Promise<KnownSource[]> =>
  (await call<{ sources: KnownSource[] }>('GET', `${IMPORTS}/sources`)).sources;

export const fetchCorpus = async (): Promise<CorpusSource[]> =>
  (await call<{ sources: CorpusSource[] }>('GET', './api/corpus')).sources;

/** The corpus in numbers; null where the server does not count it. */
export async function fetchStatistics(): Promise<CorpusStatistics | null> {
  const response = await request('GET', './api/corpus/stats');
  if (response.ok) return (await response.json()) as CorpusStatistics;
  const refused = await refusal(response);
  if (refused instanceof NotOfferedError) return null;
  throw refused;
}

/**
 * Listen to an import. The browser reconnects by itself; `onLost` is called where the connection
 * breaks. Returns how to stop.
 */
export function watchImport(
  id: string,
  onNow: (now: ImportNow) => void,
  onLost: () => void,
): () => void {
  const source = new EventSource(`${IMPORTS}/${id}/events`);
  const kind: keyof ImportEvents = 'now';
  source.addEventListener(kind, (event) =>
    onNow(JSON.parse((event as MessageEvent<string>).data) as ImportNow),
  );
  source.onerror = onLost;
  return () => source.close();
}

async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await request(method, path, body, signal);
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as Answer;
}
