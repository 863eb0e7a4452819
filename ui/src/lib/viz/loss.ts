/** The loss curve as pure functions: rows kept by step, lines for a chart, the nearest row. */
import type { Evaluation, LivePoint, Phase } from '../api/types';

export type Axis = 'step' | 'minutes';
export type Point = [x: number, y: number];

export interface Line {
  name: string;
  phase: Phase;
  colour: 'train' | 'val';
  /** Thin: the noisy loss between two evaluations. */
  faint: boolean;
  dashed: boolean;
  /** Written beside its last point; empty for none. */
  label: string;
  points: Point[];
}

interface Row {
  step: number;
  phase: Phase;
}

/** Rows with one more, in order; a row of the same phase and step is replaced. */
export function upsert<R extends Row>(rows: readonly R[], row: R): R[] {
  const same = (other: R): boolean => other.step === row.step && other.phase === row.phase;
  const rest = rows.filter((other) => !same(other));
  const at = rest.findLastIndex((other) => before(other, row)) + 1;
  return [...rest.slice(0, at), row, ...rest.slice(at)];
}

function before(one: Row, other: Row): boolean {
  // Fine-tuning begins at the step that the base ended at.
  if (one.step !== other.step) return one.step < other.step;
  return one.phase === 'train' && other.phase === 'finetune';
}

/** An exponential moving average; `weight` is that of the newest value. */
export function smooth(values: readonly number[], weight: number): number[] {
  let average = values[0] ?? 0;
  return values.map((value) => (average += weight * (value - average)));
}

export function position(row: { step: number; elapsed_min: number | null }, axis: Axis): number {
  return axis === 'step' ? row.step : (row.elapsed_min ?? 0);
}

const SMOOTHING = 0.2;

/** The lines of a chart. Phases are lines of their own: what they measure differs. */
export function lines(
  evaluations: readonly Evaluation[],
  live: readonly LivePoint[],
  axis: Axis,
  phases: readonly Phase[],
): Line[] {
  return phases.flatMap((phase) => {
    const own = evaluations.filter((row) => row.phase === phase);
    const between = live.filter((row) => row.phase === phase && row.loss !== null);
    const smoothed = smooth(between.map((row) => row.loss as number), SMOOTHING);
    const points = (key: 'train_loss' | 'val_loss'): Point[] =>
      own.flatMap((row) => {
        const value = row[key];
        return value === null ? [] : [[position(row, axis), value] as Point];
      });
    const line = { phase, faint: false, dashed: false };
    return [
      {
        ...line, name: `${phase} live`, colour: 'train' as const, faint: true,
        label: own.length === 0 ? 'train' : '', // the evaluations carry the label once there are any
        points: between.map((row, n) => [position(row, axis), smoothed[n]] as Point),
      },
      { ...line, name: `${phase} train`, colour: 'train' as const, label: 'train', points: points('train_loss') },
      {
        ...line, name: `${phase} val`, colour: 'val' as const, dashed: true, label: 'held-out',
        points: points('val_loss'),
      },
    ];
  });
}

/** One ascending x for all lines, and a column a line with nulls where it has no point. */
export function aligned(all: readonly Line[]): [number[], ...(number | null)[][]] {
  const x = [...new Set(all.flatMap((line) => line.points.map(([at]) => at)))].sort((a, b) => a - b);
  const index = new Map(x.map((at, n) => [at, n]));
  const columns = all.map((line) => {
    const column: (number | null)[] = Array.from(x, () => null);
    for (const [at, value] of line.points) column[index.get(at) as number] = value;
    return column;
  });
  return [x, ...columns];
}

/** Index of the row nearest to a place on the axis; -1 where there is none. */
export function nearest(
  rows: readonly { step: number; elapsed_min: number | null }[],
  axis: Axis,
  x: number,
): number {
  let best = -1;
  let distance = Infinity;
  rows.forEach((row, n) => {
    const away = Math.abs(position(row, axis) - x);
    // Of two at one place the later: it is what the model continued from.
    if (away <= distance) [best, distance] = [n, away];
  });
  return best;
}

/** From where to where each phase reaches. */
export function bands(
  evaluations: readonly Evaluation[],
  live: readonly LivePoint[],
  axis: Axis,
  phases: readonly Phase[],
): { phase: Phase; from: number; to: number }[] {
  return phases.flatMap((phase) => {
    const places = [...evaluations, ...live]
      .filter((row) => row.phase === phase)
      .map((row) => position(row, axis));
    if (places.length === 0) return [];
    const from = phase === phases[0] && phase === 'train' ? 0 : Math.min(...places);
    return [{ phase, from, to: Math.max(...places) }];
  });
}
