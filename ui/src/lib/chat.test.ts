import { describe, expect, it } from 'vitest';
import { firstHit, hits, Meter, segments, swap, when } from './chat';

describe('Meter', () => {
  it('measures from the question on, in characters that a person counts', () => {
    const meter = new Meter(5000);
    expect(meter.add('ab🐖', 5500)).toBe(6);
    expect(meter.add('abcdefg', 6000)).toBe(10);
  });

  it('says nothing of a moment too short to measure', () => {
    expect(new Meter(0).add('abc', 1)).toBeNull();
  });
});

describe('hits', () => {
  const marked = (text: string, query: string): string =>
    hits(text, query).map((part) => (part.hit ? `[${part.text}]` : part.text)).join('');

  it('marks the words of a search in any case, and takes them for no pattern', () => {
    expect(marked('A Zanzibarian kettle', 'zanz KETTLE')).toBe('A [Zanz]ibarian [kettle]');
    expect(marked('1+1 (two)', '+ (')).toBe('1[+]1 [(]two)');
    expect(marked('שלום עולם', 'עולם')).toBe('שלום [עולם]');
    expect(marked('as it is', '  ')).toBe('as it is');
  });
});

describe('firstHit', () => {
  it.each([
    [['the harbour', 'at five', 'the harbour at five'], 'harb five', 2],
    [['in my heart', 'Art, they said'], 'art', 1],
    [['un café', 'cafe'], 'CAFE', 0],
    [['eine Straße (2)', '1+1'], '1+1', 1],
    [['日本語です', '本'], '本', 1],
    [['日本語です'], '本語', 0],
    [['nothing'], 'harbour', -1],
    [['nothing'], '  ', -1],
  ])('of %j for %j is %j', (texts, query, at) => {
    expect(firstHit(texts, query)).toBe(at);
  });
});

describe('segments', () => {
  const joined = (text: string, ...spans: [number, number][]): string =>
    segments(text, spans.map(([start, stop]) => ({ start, stop })))
      .map((part) => (part.copied ? `[${part.text}]` : part.text))
      .join('');

  it.each([
    ['nothing copied', [], 'nothing copied'],
    ['all of it', [[0, 9]], '[all of it]'],
    ['a pig 🐖🐖 flew', [[6, 8]], 'a pig [🐖🐖] flew'],
    ['overlapping spans', [[0, 5], [3, 11]], '[overlapping] spans'],
    ['two of them', [[7, 11], [0, 3]], '[two] of [them]'],
    ['', [], ''],
  ] as [string, [number, number][], string][])('cuts “%s”', (text, spans, cut) =>
    expect(joined(text, ...spans)).toBe(cut));

  it('loses no character', () => {
    const text = 'e\u0301 🏳️‍🌈 x';
    expect(segments(text, [{ start: 1, stop: 5 }]).map((part) => part.text).join('')).toBe(text);
  });
});

describe('swap', () => {
  const origin = (run: string | null, step: number | null) => ({ run, step });
  it('says nothing while the same model writes, or where it is not known', () => {
    expect(swap(origin('a', 5), origin('a', 5))).toBeNull();
    expect(swap(null, origin('a', 5))).toBeNull();
    expect(swap(origin('a', 5), null)).toBeNull();
    expect(swap(origin(null, null), origin('a', 5))).toBeNull();
  });
  it('names another step or another run', () => {
    expect(swap(origin('a', 5), origin('a', 1500))).toContain('a newer checkpoint of the model: step 1,500');
    expect(swap(origin('a', 5), origin('a', 4))).toContain('an earlier checkpoint of the model: step 4');
    expect(swap(origin('a', 5), origin('b', 5))).toContain('another model: b, step 5');
  });
});

describe('when', () => {
  const now = new Date('2025-03-09T15:00:00');
  it.each([
    ['2025-03-09T14:03:00', '14:03'], ['2025-02-03T14:03:00', '3 Feb'], ['2024-02-03T14:03:00', '3 Feb 2024'], ['?', ''],
  ])('says %s as “%s”', (stamp, words) => expect(when(stamp, now)).toBe(words));
});
