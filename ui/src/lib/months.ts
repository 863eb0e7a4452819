/** When text was written, as the columns of a small histogram. */

export interface Column {
  label: string;
  characters: number;
}

interface MonthOfText {
  /** YYYY-MM. */
  month: string;
  characters: number;
}

/** Months beyond which years are drawn. */
export const MONTHS_SHOWN = 60;

/** A column a month from the first to the last, empty ones too; a column a year where those are many. */
export function columns(months: readonly MonthOfText[]): Column[] {
  const first = months[0];
  const last = months.at(-1);
  if (!first || !last) return [];
  const ends = [ordinal(first.month), ordinal(last.month)] as const;
  const byYear = ends[1] - ends[0] >= MONTHS_SHOWN;
  const name = (at: number): string => {
    const year = String(Math.floor(at / 12)).padStart(4, '0');
    return byYear ? year : `${year}-${String((at % 12) + 1).padStart(2, '0')}`;
  };
  const found = new Map<string, number>();
  for (let at = ends[0]; at <= ends[1]; at += 1) found.set(name(at), found.get(name(at)) ?? 0);
  for (const { month, characters } of months) {
    const label = name(ordinal(month));
    found.set(label, (found.get(label) ?? 0) + characters);
  }
  return [...found].map(([label, characters]) => ({ label, characters }));
}

function ordinal(month: string): number {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return 12 * year + number - 1;
}
