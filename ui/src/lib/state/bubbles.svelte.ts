/**
 * The bubbles on screen: what was said, every variant of each reply, and what became of it.
 *
 * Knows: how a bubble changes while a reply is generated, and when the server says what it
 * stored. Does not know the server: others call it (conversation.svelte.ts).
 */
import type { Chat, MessageRow, ReplyFrame, Turn } from '../api/types';
import type { Origin } from '../chat';

export interface Version extends Origin {
  text: string;
  seed: string | null;
  corrected: boolean;
}

export interface Bubble {
  id: number;
  from: 'you' | 'model';
  /** Where it stands in a kept chat; null while, or where, nothing is kept. */
  position: number | null;
  versions: Version[];
  chosen: number;
  state: 'done' | 'thinking' | 'writing' | 'stopped' | 'failed';
  problem: string;
  /** What came of the last thing done to it. */
  note: string;
  /** Characters at the beginning of the message that its reply was written without. */
  unread: number;
  /** Characters per second, measured here. */
  rate: number | null;
}

export function textOf(bubble: Bubble): string {
  return bubble.versions[bubble.chosen]?.text ?? '';
}

/** What generated the version on show; null for what a person typed. */
export function originOf(bubble: Bubble): Origin | null {
  const version = bubble.versions[bubble.chosen];
  return bubble.from === 'model' && version?.run ? version : null;
}

/** Another version of a reply, empty until its text comes. */
export function beginVersion(bubble: Bubble): Version {
  bubble.versions.push(blank(''));
  bubble.chosen = bubble.versions.length - 1;
  Object.assign(bubble, { state: 'thinking', problem: '', note: '', unread: 0, rate: null });
  // Read back through the proxy, so that later changes are seen.
  return bubble.versions[bubble.chosen] as Version;
}

/** Take back a version of which nothing came, where there is another to show. */
export function dropIfEmpty(bubble: Bubble, version: Version, otherwise: number): void {
  if (version.text || bubble.versions.length === 1) return;
  bubble.versions.pop();
  bubble.chosen = otherwise;
}

/** Where a reply was stored, and what generated it. */
export function settle(bubble: Bubble, version: Version, ended: ReplyFrame): void {
  bubble.position = ended.position ?? bubble.position;
  bubble.unread = ended.unread ?? 0;
  version.seed = ended.seed ?? null;
  version.run = ended.run ?? null;
  version.step = ended.step ?? null;
}

/** Show what the server stored in place of what was seen. */
export function adopt(bubble: Bubble, found: Chat): void {
  const row = found.messages.find((message) => message.position === bubble.position);
  if (!row) return;
  bubble.versions = row.variants;
  bubble.chosen = row.chosen;
}

export class Bubbles {
  list = $state<Bubble[]>([]);
  private counter = 0;

  /** A reply is being generated. */
  get busy(): boolean {
    const last = this.last;
    return last?.state === 'thinking' || last?.state === 'writing';
  }

  get last(): Bubble | undefined {
    return this.list.at(-1);
  }

  /** Another chat may have been opened meanwhile. */
  has(bubble: Bubble): boolean {
    return this.list.includes(bubble);
  }

  clear(): void {
    this.list = [];
  }

  load(rows: MessageRow[]): void {
    this.list = rows.map((row) => ({
      ...this.blank(row.role === 'user' ? 'you' : 'model'),
      position: row.position,
      versions: row.variants,
      chosen: row.chosen,
    }));
  }

  /**
   * Show what the server has, where it has more or other than is shown: another page changed it. What
   * it never got stays at the end.
   */
  renew(rows: MessageRow[]): void {
    const kept = this.list.filter((bubble) => bubble.position !== null);
    const same = (row: MessageRow, bubble: Bubble | undefined): boolean =>
      bubble !== undefined &&
      bubble.chosen === row.chosen &&
      bubble.versions.length === row.variants.length &&
      textOf(bubble) === row.variants[row.chosen]?.text;
    if (kept.length === rows.length && rows.every((row, at) => same(row, kept[at]))) return;
    const first = this.list.findIndex((bubble) => bubble.from === 'you' && bubble.position === null);
    const unsent = first < 0 ? [] : this.list.slice(first);
    this.load(rows);
    this.list.push(...unsent);
  }

  add(from: Bubble['from'], text?: string): Bubble {
    this.list.push({ ...this.blank(from), versions: text === undefined ? [] : [blank(text)] });
    return this.list[this.list.length - 1] as Bubble;
  }

  /** Where the last question stands; -1 where nothing was asked. */
  get question(): number {
    return this.list.findLastIndex((bubble) => bubble.from === 'you');
  }

  /** What was said before a bubble, as a request sends it. */
  history(end = this.list.length): Turn[] {
    return this.list
      .slice(0, end)
      .filter(textOf)
      .map((bubble) => ({
        role: bubble.from === 'you' ? 'user' : 'assistant',
        content: textOf(bubble),
      }));
  }

  /**
   * After a stop: what the server stored of the reply. Never less than what was shown: a reply of
   * which nothing is stored stays as it is.
   */
  reconcile(bubble: Bubble, found: Chat): void {
    // The question may have arrived although nothing came back.
    const yours = this.list.filter((other) => other.from === 'you');
    const theirs = found.messages.filter((message) => message.role === 'user');
    const last = yours.at(-1);
    if (last && yours.length === theirs.length) last.position = theirs.at(-1)?.position ?? null;
    const row = found.messages.at(-1);
    if (row?.role !== 'assistant' || bubble !== this.last) return;
    bubble.position = row.position;
    if (row.variants[row.chosen]?.text.startsWith(textOf(bubble))) adopt(bubble, found);
  }

  private blank(from: Bubble['from']): Bubble {
    return {
      id: this.counter++, from, position: null, versions: [], chosen: 0,
      state: 'done', problem: '', note: '', unread: 0, rate: null,
    };
  }
}

function blank(text: string): Version {
  return { text, seed: null, run: null, step: null, corrected: false };
}
