/** What the chat shows of replies: pure functions of texts, times and origins. */

const MEASURABLE_MS = 50;

/** Characters per second of a reply, waiting included: what the one who asked it sees. */
export class Meter {
  private characters = 0;

  /** `asked` is when the question was sent, in milliseconds. */
  constructor(private readonly asked: number) {}

  /** Text came at `now`; the rate, null while it is too early to tell. */
  add(text: string, now: number): number | null {
    this.characters += [...text].length;
    const passed = now - this.asked;
    return passed < MEASURABLE_MS ? null : (this.characters * 1000) / passed;
  }
}

export interface Segment {
  text: string;
  copied: boolean;
}

/**
 * A text cut where copied spans begin and end. Spans count code points, as Python does, and may
 * overlap.
 */
export function segments(text: string, spans: readonly { start: number; stop: number }[]): Segment[] {
  const copied: boolean[] = [];
  for (const { start, stop } of spans) {
    for (let at = start; at < stop; at++) copied[at] = true;
  }
  const found: Segment[] = [];
  [...text].forEach((character, at) => {
    const here = copied[at] ?? false;
    const last = found.at(-1);
    if (last && last.copied === here) last.text += character;
    else found.push({ text: character, copied: here });
  });
  return found;
}

export interface Origin {
  run: string | null;
  step: number | null;
}

/** What to show where another model generates than before; null where it is the same one. */
export function swap(before: Origin | null, now: Origin | null): string | null {
  if (!before?.run || !now?.run || now.step === null) return null;
  if (before.run === now.run && before.step === now.step) return null;
  const step = `step ${now.step.toLocaleString('en')}`;
  if (before.run !== now.run) return `From here on, another model: ${now.run}, ${step}`;
  const which = now.step < (before.step ?? 0) ? 'an earlier' : 'a newer';
  return `From here on, ${which} checkpoint of the model: ${step}`;
}

/** A text cut where words of a search stand in it: the beginnings of words count, in any case. */
export function hits(text: string, query: string): { text: string; hit: boolean }[] {
  const words = query.split(/\s+/).filter(Boolean).map(literal);
  if (words.length === 0) return [{ text, hit: false }];
  const parts = text.split(new RegExp(`(${words.join('|')})`, 'giu'));
  return parts.map((part, at) => ({ text: part, hit: at % 2 === 1 })).filter((part) => part.text);
}

/**
 * Which of the texts a search found: the first with all words, each the beginning of one, in any
 * case and with any marks over the letters; else the first with the query anywhere; -1 for none.
 */
export function firstHit(texts: readonly string[], query: string): number {
  const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const words = query.replaceAll('"', ' ').split(/\s+/).filter(Boolean);
  const begins = (text: string, word: string): boolean =>
    new RegExp(`(?<![\\p{L}\\p{N}])${literal(plain(word))}`, 'u').test(plain(text));
  const at = words.length === 0 ? -1 : texts.findIndex((text) => words.every((word) => begins(text, word)));
  if (at >= 0 || !query.trim()) return at;
  return texts.findIndex((text) => text.toLowerCase().includes(query.trim().toLowerCase()));
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** When something happened, as short as it is clear: "14:03", "3 Feb", "3 Feb 2024". */
export function when(stamp: string, now: Date): string {
  const then = new Date(stamp);
  if (Number.isNaN(then.getTime())) return '';
  if (then.toDateString() === now.toDateString()) {
    return then.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  }
  const year = then.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year });
}
