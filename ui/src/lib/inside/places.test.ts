import { describe, expect, it } from 'vitest';
import { nearestStep, readPlace, writePlace } from './places';

describe('places', () => {
  it('are read back as they were written', () => {
    const place = { panel: 'attention', run: 'a run & more', step: 248 } as const;
    expect(readPlace(writePlace(place))).toEqual(place);
    expect(writePlace({ panel: 'heads', run: null, step: null })).toBe('#/inside/heads');
  });

  it('fall back to pieces, and to no step that is none', () => {
    expect(readPlace('#/inside')).toEqual({ panel: 'pieces', run: null, step: null });
    expect(readPlace('#/inside/nowhere?step=-1e9')).toEqual({ panel: 'pieces', run: null, step: null });
  });

  it('find the nearest checkpoint', () => {
    expect(nearestStep([0, 78, 156], 100)).toBe(78);
    expect(nearestStep([0, 2], 1)).toBe(0);
    expect(nearestStep([], 5)).toBeNull();
  });
});
