import { describe, expect, it } from 'vitest';
import type { PieceRow } from '../api/types';
import { cut, named, shown, visible } from './pieces';

const piece = (fields: Partial<PieceRow>): PieceRow => ({
  id: 1, text: 'a', bytes: '61', special: false, characters: 1, code_points: [], count: 0, live: true,
  ...fields,
});

describe('pieces in print', () => {
  it('shows whitespace, bytes and marks', () => {
    expect(visible(' a\n\tb')).toBe('␣a⏎⇥b');
    expect(shown(piece({ text: ' the' }))).toBe('␣the');
    expect(shown(piece({ text: null, bytes: 'f0 9f' }))).toBe('‹f0 9f›');
    expect(named(piece({ text: '<|end|>', special: true }))).toBe('<|end|>');
    expect(named(piece({ text: ' x' }))).toBe('“␣x”');
    expect(shown(undefined)).toBe('');
  });
});

describe('cut', () => {
  it('joins what the first merges close, by code points', () => {
    const merges = [2, null, 1, 3];
    expect(cut('ab🐖cd', merges, 0)).toEqual(['a', 'b', '🐖', 'c', 'd']);
    expect(cut('ab🐖cd', merges, 1)).toEqual(['a', 'b', '🐖c', 'd']);
    expect(cut('ab🐖cd', merges, 3)).toEqual(['ab', '🐖cd']);
    expect(cut('', [], 5)).toEqual([]);
  });
});
