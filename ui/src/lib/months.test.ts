import { describe, expect, it } from 'vitest';
import { columns, MONTHS_SHOWN } from './months';

describe('columns', () => {
  it('are the months from the first to the last, the empty ones too', () => {
    const months = [{ month: '2023-11', characters: 5 }, { month: '2024-02', characters: 7 }];
    expect(columns(months)).toEqual([
      { label: '2023-11', characters: 5 }, { label: '2023-12', characters: 0 },
      { label: '2024-01', characters: 0 }, { label: '2024-02', characters: 7 },
    ]);
  });

  it('are years where the months are many, and nothing is lost', () => {
    const months = [
      { month: '2009-12', characters: 1 }, { month: '2010-01', characters: 2 },
      { month: '2010-07', characters: 4 }, { month: '2024-02', characters: 8 },
    ];
    const years = columns(months);
    expect(years.length).toBe(16);
    expect(years[0]).toEqual({ label: '2009', characters: 1 });
    expect(years[1]).toEqual({ label: '2010', characters: 6 });
    expect(years.at(-1)).toEqual({ label: '2024', characters: 8 });
  });

  it('are months up to the limit, and none without text', () => {
    const end = `${2020 + MONTHS_SHOWN / 12 - 1}-12`;
    expect(columns([{ month: '2020-01', characters: 1 }, { month: end, characters: 1 }])).toHaveLength(
      MONTHS_SHOWN,
    );
    expect(columns([])).toEqual([]);
  });
});
