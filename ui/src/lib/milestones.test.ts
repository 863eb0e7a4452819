import { describe, expect, it } from 'vitest';
import { milestones } from './milestones';

const steps = (...all: number[]): { step: number }[] => all.map((step) => ({ step }));

describe('milestones', () => {
  it('keeps a short list as it is', () => {
    expect(milestones([], 4)).toEqual([]);
    expect(milestones(steps(30, 20, 10), 4)).toEqual(steps(30, 20, 10));
  });

  it('chooses the newest, the oldest, and equal ratios between them', () => {
    const all = steps(1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 50, 10, 1);
    expect(milestones(all, 4)).toEqual(steps(1000, 100, 10, 1));
  });

  it('never chooses one twice', () => {
    expect(milestones(steps(1000, 999, 998, 997, 1), 4)).toEqual(steps(1000, 998, 997, 1));
    expect(milestones(steps(5, 5, 0, 0, 0), 4)).toHaveLength(4);
    expect(milestones(steps(1000, 3, 2, 1, 0), 4)).toEqual(steps(1000, 3, 2, 0));
  });
});
