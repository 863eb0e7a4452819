/** The runs API as the page uses it: what was trained, what trains now, and its events. */
import { ChatError, sentence, UNREACHABLE } from './client';

export type Phase = 'train' | 'finetune';
export type RunState = 'training' | 'done' | 'stopped' | 'failed';
export type TrainingState = 'idle' | 'preparing' | 'training' | 'stopping' | 'finishing';
export type Best = Partial<Record<Phase, { step: number; val_nats_per_char: number }>>;

export interface Progress {
  run: string;
  phase: Phase | null;
  step: number;
  steps: number;
  loss: number | null;
  lr: number | null;
  characters_per_second: number | null;
  seconds_left: number | null;
  elapsed_min: number;
  updated: number;
}

export interface RunRow {
  name: string;
  recipe: string;
  created: string;
  state: RunState;
  complete: boolean;
  sentence: string | null;
  phases: Phase[];
  step: number;
  best: Best;
  parameters: number | null;
  minutes: number | null;
  group: string | null;
  parent: string | null;
  ln_v: number;
  characters_per_token: number;
  /** Why it should be replaced: text that it was trained on has since been forgotten. */
  stale: string | null;
}

export interface RunList {
  name: string;
  runs: RunRow[];
  training: {
    state: TrainingState;
    run: string | null;
    error: string | null;
    progress: Progress | null;
    watchers: number;
  };
  default_minutes: number;
}

export interface Evaluation {
  step: number;
  phase: Phase;
  train_loss: number | null;
  val_loss: number | null;
  val_nats_per_char: number | null;
  val_bits_per_char: number | null;
  perplexity: number | null;
  lr: number | null;
  elapsed_min: number | null;
}

export interface LivePoint {
  step: number;
  phase: Phase;
  loss: number | null;
  elapsed_min: number | null;
}

export interface Sample {
  step: number;
  phase: Phase;
  prompt: string;
  text: string;
  /** The prompt is a question, not an opening to go on from. */
  asked: boolean;
}

type Columns<Row> = { [Key in keyof Row]: Row[Key][] };

export interface Metrics {
  run: string;
  since: number;
  evaluations: Columns<Evaluation>;
  live: Columns<LivePoint>;
  samples: Sample[];
}

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

export const fetchRuns = (): Promise<RunList> => call<RunList>('./api/runs');

export const fetchMetrics = (run: string, since = 0): Promise<Metrics> =>
  call<Metrics>(`./api/runs/${encodeURIComponent(run)}/metrics?since=${since}`);

export const startTraining = (minutes: number): Promise<{ run: string }> =>
  call('./api/runs', { minutes });

export const stopTraining = (run: string): Promise<{ run: string }> =>
  call(`./api/runs/${encodeURIComponent(run)}/stop`, {});

export const resumeTraining = (run: string): Promise<{ run: string }> =>
  call(`./api/runs/${encodeURIComponent(run)}/resume`, {});

async function call<Answer>(path: string, body?: object): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(
      path,
      body && {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      },
    );
  } catch {
    throw new ChatError(UNREACHABLE);
  }
  if (!response.ok) throw new ChatError(await sentence(response));
  return (await response.json()) as Answer;
}

export interface RunEvents {
  metrics(row: Evaluation): void;
  live(row: LivePoint): void;
  sample(row: Sample): void;
  rewind(to: { kind: 'metrics' | 'live' | 'sample'; step: number }): void;
  progress(now: Progress): void;
  state(now: { state: RunState; sentence: string | null; best: Best }): void;
}

/**
 * Listen to a run from a step on. The browser takes the connection up again by itself and says
 * which step it saw last; `onLine` is told whether there is one. Returns how to stop.
 */
export function watchRun(
  run: string,
  since: number,
  events: RunEvents,
  onLine: (open: boolean, refused: boolean) => void,
): () => void {
  const source = new EventSource(
    `./api/runs/${encodeURIComponent(run)}/events?since=${since}`,
  );
  for (const kind of Object.keys(events) as (keyof RunEvents)[]) {
    source.addEventListener(kind, (event) => {
      const handle = events[kind] as (data: unknown) => void;
      handle(JSON.parse((event as MessageEvent<string>).data));
    });
  }
  source.onopen = () => onLine(true, false);
  source.onerror = () => onLine(false, source.readyState === EventSource.CLOSED);
  return () => source.close();
}
