import { describe, expect, it } from 'vitest';
import { clock, fixed, short, timeLeft } from './format';

describe('timeLeft', () => {
  it.each([
    [null, ''], [Infinity, ''], [2, 'a few seconds left'], [43, 'about 45 s left'], [54.9, 'about 55 s left'],
    [58, 'about 1 min left'], [89, 'about 1 min left'], [200, 'about 3 min left'], [3599, 'about 1 h left'],
    [5000, 'about 1 h 25 min left'], [7180, 'about 2 h left'],
  ])('says %s as “%s”', (seconds, words) => expect(timeLeft(seconds)).toBe(words));
});

describe('clock', () => {
  it.each([
    [null, '–'], [0.5, '30 s'], [1.5, '1 min 30 s'], [90, '1 h 30 min'],
  ])('says %s minutes as “%s”', (minutes, words) => expect(clock(minutes)).toBe(words));
});

describe('numbers', () => {
  it('have a dash where there is none, and three digits where they are rates', () => {
    expect(fixed(null, 2)).toBe('–');
    expect(fixed(1.005, 1)).toBe('1.0');
    expect([short(0.0123456), short(30.14), short(12345), short(0), short(3e-5), short(null)]).toEqual([
      '0.0123', '30.1', '12,345', '0', '3.00e-5', '–',
    ]);
  });
});
