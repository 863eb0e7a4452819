/** The runs API as the page uses it: what was trained, what trains now, and its events. */
import { ChatError, request, sentence } from './client';
import type { Metrics, RunEvents, RunList, Started } from './types';

type Columns<Row> = { [Key in keyof Row]: Row[Key][] };

/** Columns of equal length to rows. */
export function rows<Row extends object>(columns: Columns<Row>): Row[] {
  const names = Object.keys(columns) as (keyof Row)[];
  const first = names[0];
  if (first === undefined) return [];
  return columns[first].map((_, index) => {
    const row = {} as Row;
    for (const name of names) row[name] = columns[name][index] as Row[keyof Row];
    return row;
  });
}

export const fetchRuns = (signal: AbortSignal): Promise<RunList> =>
  call<RunList>('./api/runs', undefined, signal);

export const fetchMetrics = (run: string, signal: AbortSignal): Promise<Metrics> =>
  call<Metrics>(`./api/runs/${encodeURIComponent(run)}/metrics?since=0`, undefined, signal);

export const startTraining = (minutes: number): Promise<Started> =>
  call('./api/runs', { minutes });

export const stopTraining = (run: string): Promise<Started> =>
  call(`./api/runs/${encodeURIComponent(run)}/stop`, {});

export const resumeTraining = (run: string): Promise<Started> =>
  call(`./api/runs/${encodeURIComponent(run)}/resume`, {});

/** Call a run something; an empty title takes the name away. */
export const renameRun = (run: string, title: string): Promise<void> =>
  change('PATCH', run, { title });

/** For good. */
export const deleteRun = (run: string): Promise<void> => change('DELETE', run);

async function change(method: string, run: string, body?: object): Promise<void> {
  const response = await request(method, `./api/runs/${encodeURIComponent(run)}`, body);
  if (!response.ok) throw new ChatError(await sentence(response));
}

async function call<Answer>(path: string, body?: object, signal?: AbortSignal): Promise<Answer> {
  const response = await request(body ? 'POST' : 'GET', path, body, signal);
  if (!response.ok) throw new ChatError(await sentence(response));
  return (await response.json()) as Answer;
}

/** What to do with the data of each event. */
export type RunHandlers = { [Name in keyof RunEvents]: (data: RunEvents[Name]) => void };

/**
 * Listen to a run from a step on. The browser reconnects by itself and says which step it saw
 * last; `onLine` is called when the connection opens or breaks. Returns how to stop.
 */
export function watchRun(
  run: string,
  since: number,
  handlers: RunHandlers,
  onLine: (open: boolean, refused: boolean) => void,
): () => void {
  const source = new EventSource(
    `./api/runs/${encodeURIComponent(run)}/events?since=${since}`,
  );
  for (const kind of Object.keys(handlers) as (keyof RunEvents)[]) {
    source.addEventListener(kind, (event) => {
      const handle = handlers[kind] as (data: unknown) => void;
      handle(JSON.parse((event as MessageEvent<string>).data));
    });
  }
  source.onopen = () => onLine(true, false);
  source.onerror = () => onLine(false, source.readyState === EventSource.CLOSED);
  return () => source.close();
}
