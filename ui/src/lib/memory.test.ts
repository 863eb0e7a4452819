import { describe, expect, it } from 'vitest';
import type { Recalled } from './api/types';
import { memorySentence, percent } from './memory';

const exchange = {
  question: 'soup?', reply: 'always', weight: 1, given: 0.62, document: 'a', title: null, date: null,
};

describe('memorySentence', () => {
  const said = (weight: number, share: number, neighbours = [exchange]): string =>
    memorySentence({ weight, share, neighbours, pieces: [] } satisfies Recalled);

  it('gives both parts, which make up the whole', () =>
    expect(said(0.5, 0.616)).toBe(
      'Memory 0.5: 62 % of this reply came from what was said before, 38 % from the weights.',
    ));

  it('says when nothing was looked up', () => {
    expect(said(0, 0, [])).toContain('Memory 0: all');
    expect(said(0.5, 0, [])).toContain('nothing that was said before');
  });
});

describe('percent', () => {
  it.each([[0, '0 %'], [0.001, 'less than 1 %'], [0.5, '50 %'], [0.9999, '99 %'], [1, '100 %']])(
    '%d is %s',
    (share, words) => expect(percent(share)).toBe(words),
  );
});
