/**
 * The workspace's runs and the one on show, kept up to date.
 *
 * Knows: the list is asked for now and then (trainings may be begun in a terminal), the run on
 * show is listened to while its view is. Does not know how any of it looks.
 * A hidden page listens to nothing: browsers allow few connections to one server.
 */
import {
  deleteRun,
  fetchMetrics,
  fetchRuns,
  renameRun,
  resumeTraining,
  rows,
  startTraining,
  stopTraining,
  watchRun,
} from '../api/runs';
import type { Evaluation, LivePoint, Progress, RunList, RunRow, Sample, Started } from '../api/types';
import { timeLeft, whole } from '../format';
import { withSample } from '../samples';
import { upsert } from '../viz/loss';
import { sentenceFor } from './chats.svelte';

const BUSY_MS = 1500;
const IDLE_MS = 5000;
/** An answer that never comes must not be the last that is asked for. */
const PATIENCE_MS = 10_000;
/** Rows of a long training are many. */
const ROWS_MS = 30_000;

class Training {
  list = $state.raw<RunList | null>(null);
  /** The server is not responding; it is asked again all the time. */
  gone = $state(false);
  evaluations = $state.raw<Evaluation[]>([]);
  live = $state.raw<LivePoint[]>([]);
  samples = $state.raw<Sample[]>([]);
  /** The run that those rows are of; null until they are here. */
  loaded = $state<string | null>(null);
  progress = $state.raw<Progress | null>(null);
  /** Why the last button that was pressed did not do what it says. */
  refusal = $state('');
  private chosen = $state<string | null>(null);
  private heard = $state(0);
  private now = $state(0);
  private watched: string | null = null;
  /** Ends what was begun for the run on show: browsers allow six connections to a server. */
  private watching: AbortController | null = null;
  /** Whether anyone looks at the rows. */
  private attended = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;

  /** What is being trained: not always the run on show. */
  readonly state = $derived(this.list?.training.state ?? 'idle');

  /** The run that is being trained; null while none is. */
  readonly trained: string | null = $derived(
    this.state === 'idle' ? null : (this.list?.training.run ?? null),
  );

  readonly run: RunRow | null = $derived.by(() => {
    const all = this.list?.runs ?? [];
    const named = (name: string | null | undefined): RunRow | undefined =>
      all.find((row) => row.name === name);
    return (
      named(this.chosen) ??
      named(this.list?.training.run) ??
      all.find((row) => row.group === null) ??
      all[0] ??
      null
    );
  });

  /** Seconds until the training ends, counted down between two messages. */
  readonly secondsLeft: number | null = $derived.by(() => {
    const left = this.progress?.seconds_left ?? null;
    return left === null ? null : Math.max(0, left - (this.now - this.heard) / 1000);
  });

  /** "training: step 840 of 1,511, about 1 min left"; empty while nothing trains. */
  readonly line: string = $derived.by(() => {
    if (this.state === 'idle') return '';
    if (this.state === 'stopping') return 'training: saving before it stops';
    if (this.state === 'finishing') return 'training: complete, drawing the figures';
    const { progress } = this;
    if (this.state === 'preparing' || !progress?.phase) return 'training: preparing';
    const left = timeLeft(this.secondsLeft);
    const where = `step ${whole(progress.step)} of ${whole(progress.steps)}`;
    return `training: ${where}${left ? `, ${left}` : ''}`;
  });

  start(): void {
    document.addEventListener('visibilitychange', () => this.wake());
    this.wake();
  }

  choose(name: string): void {
    this.chosen = name;
    this.watch();
  }

  /** The rows of the run on show are looked at; returns how to stop. */
  attend(): () => void {
    this.attended = true;
    this.watch();
    return () => {
      this.attended = false;
      this.leave();
    };
  }

  rename(run: string, title: string): Promise<boolean> {
    return this.change(() => renameRun(run, title));
  }

  async remove(run: string): Promise<boolean> {
    if (!(await this.change(() => deleteRun(run)))) return false;
    if (this.chosen === run) this.chosen = null;
    return true;
  }

  private async change(action: () => Promise<void>): Promise<boolean> {
    this.refusal = '';
    try {
      await action();
    } catch (error) {
      this.refusal = sentenceFor(error);
      return false;
    }
    await this.refresh();
    return true;
  }

  train(minutes: number): Promise<boolean> {
    return this.act(() => startTraining(minutes));
  }

  resume(run: string): Promise<boolean> {
    return this.act(() => resumeTraining(run));
  }

  stop(run: string): Promise<boolean> {
    return this.act(() => stopTraining(run));
  }

  private async act(action: () => Promise<Started>): Promise<boolean> {
    this.refusal = '';
    try {
      await action();
    } catch (error) {
      this.refusal = sentenceFor(error);
      return false;
    }
    this.chosen = null; // show what trains
    await this.refresh();
    return true;
  }

  private wake(): void {
    clearInterval(this.ticker);
    if (document.hidden) {
      clearTimeout(this.timer);
      this.leave();
      return;
    }
    this.ticker = setInterval(() => (this.now = performance.now()), 1000);
    void this.refresh();
  }

  /** Ask for the list now. */
  look(): Promise<void> {
    return this.refresh();
  }

  private async refresh(): Promise<void> {
    clearTimeout(this.timer);
    try {
      const list = await fetchRuns(AbortSignal.timeout(PATIENCE_MS));
      this.list = list;
      this.gone = false;
      if (list.training.progress) this.hear(list.training.progress);
      else if (list.training.state !== 'training') this.progress = null;
      this.watch();
    } catch {
      this.gone = true;
    }
    clearTimeout(this.timer);
    if (!document.hidden) {
      const busy = this.gone || this.state !== 'idle';
      this.timer = setTimeout(() => void this.refresh(), busy ? BUSY_MS : IDLE_MS);
    }
  }

  private hear(progress: Progress): void {
    if (this.progress && progress.updated < this.progress.updated) return;
    if (this.progress?.updated !== progress.updated) this.heard = this.now = performance.now();
    this.progress = progress;
  }

  private leave(): void {
    this.watching?.abort();
    this.watching = null;
    this.watched = null;
  }

  /** Fetch the rows of the run on show, then listen to what it adds while it is being trained. */
  private watch(): void {
    const { run } = this;
    const trains = run?.state === 'training';
    const watched = run && `${run.name} ${trains}`;
    if (watched === this.watched || !this.attended) return;
    this.leave();
    this.watched = watched;
    this.watching = new AbortController();
    if (run) void this.load(run.name, trains, this.watching.signal);
  }

  private async load(name: string, trains: boolean, signal: AbortSignal): Promise<void> {
    let since = 0;
    try {
      const metrics = await fetchMetrics(name, AbortSignal.timeout(ROWS_MS));
      if (signal.aborted) return;
      this.evaluations = rows(metrics.evaluations);
      this.live = rows(metrics.live);
      this.samples = metrics.samples;
      this.loaded = name;
      since = Math.max(0, ...this.evaluations.map((r) => r.step), ...this.live.map((r) => r.step));
    } catch {
      if (!signal.aborted) this.watched = null; // the next refresh tries again
      return;
    }
    if (!trains) return;
    const close = watchRun(
      name,
      since,
      {
        metrics: (row) => (this.evaluations = upsert(this.evaluations, row)),
        live: (row) => (this.live = upsert(this.live, row)),
        sample: (row) => (this.samples = withSample(this.samples, row)),
        rewind: ({ kind, step }) => this.rewind(kind, step),
        progress: (now) => this.hear(now),
        state: (now) => {
          if (this.run?.name === name && this.run.state !== now.state) void this.refresh();
        },
      },
      (open, refused) => {
        this.gone = !open;
        if (open) return;
        if (refused && !signal.aborted) this.leave();
        void this.refresh();
      },
    );
    signal.addEventListener('abort', close);
  }

  private rewind(kind: 'metrics' | 'live' | 'sample', step: number): void {
    if (kind === 'metrics') this.evaluations = this.evaluations.filter((r) => r.step <= step);
    if (kind === 'live') this.live = this.live.filter((r) => r.step <= step);
    if (kind === 'sample') this.samples = this.samples.filter((r) => r.step <= step);
  }
}

export const training = new Training();
