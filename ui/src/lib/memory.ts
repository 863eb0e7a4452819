/** What a reply took from memory, in words: pure functions of what the server says. */
import type { Recalled } from './api/types';

/** Whole percents, but never 0 % of something or 100 % of less than all. */
export function percent(share: number): string {
  if (share <= 0) return '0 %';
  if (share < 0.01) return 'less than 1 %';
  return `${share >= 1 ? 100 : Math.min(99, Math.round(100 * share))} %`;
}

export function memorySentence({ weight, share, neighbours }: Recalled): string {
  if (weight === 0) return 'Memory 0: all of this reply came from the weights.';
  if (neighbours.length === 0) {
    return `Memory ${weight}: nothing that was said before is like this message; all of this reply came from the weights.`;
  }
  const part = Math.round(100 * share);
  return `Memory ${weight}: ${part} % of this reply came from what was said before, ${100 - part} % from the weights.`;
}
