/** Numbers and times as a person reads them. */

export const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** Fixed decimals, and a dash where there is no number. */
export function fixed(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined ? '–' : value.toFixed(digits);
}

/** Three significant digits: learning rates, perplexities. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return size >= 1000 ? whole(value) : String(Number(value.toPrecision(3)));
}

export function compact(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' }).format(
    value,
  );
}

/** What is left, no finer than it is known. */
export function timeLeft(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return '';
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 55) return `about ${5 * Math.round(seconds / 5)} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${Math.max(1, minutes)} min left`;
  const hours = Math.floor(minutes / 60);
  const rest = 5 * Math.round((minutes % 60) / 5);
  if (rest === 60) return `about ${hours + 1} h left`;
  return rest ? `about ${hours} h ${rest} min left` : `about ${hours} h left`;
}

/** Minutes of training, to the second. */
export function clock(minutes: number | null | undefined): string {
  if (minutes === null || minutes === undefined) return '–';
  const seconds = Math.round(minutes * 60);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** A share as a percentage, never 0 of something. */
export function percent(share: number, digits = 2): string {
  if (share > 0 && share < 0.5 * 10 ** (-digits - 2)) return `<${(10 ** -digits).toFixed(digits)} %`;
  return `${(100 * share).toFixed(digits)} %`;
}
