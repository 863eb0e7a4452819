import { describe, expect, it } from 'vitest';
import { draw, entropy, reshape, scaledRow, softmax, weightRow } from './numbers';

const LOGITS = [2, 1, 0.5, 0.5, -1, -3];

describe('softmax and entropy', () => {
  it('sum to one and stay finite', () => {
    const p = softmax([1000, 1001, -Infinity]);
    expect(p[0]! + p[1]!).toBeCloseTo(1, 12);
    expect(p[2]).toBe(0);
    expect(p[1]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    expect(entropy([0.5, 0.25, 0.25, 0])).toBe(1.5);
    expect(entropy([1])).toBe(0);
  });
});

describe('an attention row', () => {
  const head = { size: 3, scores: new Float32Array([1, 9, 9, 2, 0, 9, 0, 4, 4]), headDim: 4 };

  it('sees nothing ahead, and is divided by √d_k', () => {
    expect([...scaledRow(head, 2, true)]).toEqual([0, 2, 2]);
    expect([...scaledRow(head, 2, false)]).toEqual([0, 4, 4]);
    expect([...weightRow(head, 0)]).toEqual([1]);
    const row = weightRow(head, 1);
    expect(row).toHaveLength(2);
    expect(row[0]).toBeCloseTo(Math.E / (1 + Math.E), 12);
  });
});

describe('reshape', () => {
  it('keeps ties of the k-th, and the fewest that reach top-p', () => {
    const three = reshape(LOGITS, { temperature: 1, topK: 3, topP: 1 });
    expect([...three].map((p) => p > 0)).toEqual([true, true, true, true, false, false]);
    const p = softmax(LOGITS);
    const nucleus = reshape(LOGITS, { temperature: 1, topK: 0, topP: p[0]! + 0.01 });
    expect([...nucleus].map((q) => q > 0)).toEqual([true, true, false, false, false, false]);
    expect(nucleus[0]).toBeCloseTo(p[0]! / (p[0]! + p[1]!), 12);
    expect([...reshape(LOGITS, { temperature: 0, topK: 3, topP: 0.5 })]).toEqual([1, 0, 0, 0, 0, 0]);
    const hot = reshape(LOGITS, { temperature: 2, topK: 0, topP: 1 });
    expect([...hot]).toEqual([...softmax(LOGITS.map((x) => x / 2))]);
  });

  it('draws by the probabilities: a chi-square test over 10,000 draws', () => {
    const p = reshape(LOGITS, { temperature: 0.8, topK: 5, topP: 0.95 });
    const counts = new Array<number>(LOGITS.length).fill(0);
    let state = 42;
    for (let turn = 0; turn < 10_000; turn++) {
      state = (state * 1664525 + 1013904223) % 2 ** 32;
      counts[draw(p, state / 2 ** 32)]! += 1;
    }
    let chi = 0;
    let cells = 0;
    for (const [at, count] of counts.entries()) {
      if (p[at] === 0) expect(count).toBe(0);
      else {
        chi += (count - 10_000 * p[at]!) ** 2 / (10_000 * p[at]!);
        cells += 1;
      }
    }
    expect(cells).toBeGreaterThan(2);
    expect(chi).toBeLessThan(cells - 1 + 5 * Math.sqrt(2 * (cells - 1)));
  });

  it('never draws what was cut, whatever the number', () => {
    const p = reshape(LOGITS, { temperature: 1, topK: 2, topP: 1 });
    for (const random of [0, 0.5, 0.999999999, 1]) expect([0, 1]).toContain(draw(p, random));
  });
});
