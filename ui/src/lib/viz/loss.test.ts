import { describe, expect, it } from 'vitest';
import type { Evaluation, LivePoint, Phase } from '../api/types';
import { rows } from '../api/runs';
import { aligned, bands, lines, nearest, smooth, upsert } from './loss';

function evaluation(step: number, phase: Phase = 'train', val = 3): Evaluation {
  return {
    step, phase, train_loss: step === 0 ? null : val + 0.5, val_loss: val, val_nats_per_char: val / 3,
    val_bits_per_char: val / 2, perplexity: Math.exp(val), lr: 0.01, elapsed_min: step / 100,
  };
}
const live = (step: number, loss: number | null): LivePoint => ({ step, phase: 'train', loss, elapsed_min: step / 100 });

describe('columns', () => {
  it('become rows', () => {
    expect(rows({ step: [1, 2], loss: [3, null] })).toEqual([{ step: 1, loss: 3 }, { step: 2, loss: null }]);
    expect(rows({ step: [], loss: [] })).toEqual([]);
  });
});

describe('upsert', () => {
  it('keeps rows by phase and step, in order', () => {
    const both = [evaluation(10), evaluation(20), evaluation(20, 'finetune')];
    expect(upsert(both, evaluation(15)).map((row) => row.step)).toEqual([10, 15, 20, 20]);
    const replaced = upsert(both, evaluation(20, 'train', 9));
    expect(replaced.map((row) => [row.phase, row.val_loss])).toEqual([['train', 3], ['train', 9], ['finetune', 3]]);
    expect(upsert([], evaluation(1))).toHaveLength(1);
  });
});

describe('smooth', () => {
  it('is an exponential moving average that begins at the first value', () => {
    expect(smooth([4, 8, 8], 0.5)).toEqual([4, 6, 7]);
    expect(smooth([], 0.5)).toEqual([]);
  });
});

describe('lines', () => {
  const all = lines(
    [evaluation(0), evaluation(100), evaluation(100, 'finetune', 6)],
    [live(50, 5), live(60, null)],
    'minutes',
    ['train', 'finetune'],
  );

  it('are apart for each phase and leave out what is not known', () => {
    expect(all.map((line) => [line.name, line.points])).toEqual([
      ['train live', [[0.5, 5]]], ['train train', [[1, 3.5]]], ['train val', [[0, 3], [1, 3]]],
      ['finetune live', []], ['finetune train', [[1, 6.5]]], ['finetune val', [[1, 6]]],
    ]);
  });

  it('share one axis', () => {
    const [x, ...columns] = aligned(all);
    expect(x).toEqual([0, 0.5, 1]);
    expect(columns[2]).toEqual([3, null, 3]);
    expect(columns[5]).toEqual([null, null, 6]);
  });
});

describe('nearest', () => {
  it('finds the row by step or minutes, the later of two at one place', () => {
    const some = [evaluation(10), evaluation(100), evaluation(100, 'finetune')];
    expect(nearest(some, 'step', 40)).toBe(0);
    expect(nearest(some, 'minutes', 0.9)).toBe(2);
    expect(nearest([], 'step', 1)).toBe(-1);
  });
});

describe('bands', () => {
  it('reach from the start to the last row of a phase', () => {
    const some = [evaluation(10), evaluation(100, 'finetune'), evaluation(120, 'finetune')];
    expect(bands(some, [live(90, 1)], 'step', ['train', 'finetune'])).toEqual([
      { phase: 'train', from: 0, to: 90 }, { phase: 'finetune', from: 100, to: 120 },
    ]);
  });
});
