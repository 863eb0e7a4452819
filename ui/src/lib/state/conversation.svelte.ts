/**
 * The conversation on screen, and the reply under way.
 *
 * Knows: what was said, which variant of each reply counts, whether the server keeps it. A kept
 * chat is the server's: what it stored wins over what was shown. A private one is only here.
 */
import {
  answerAgain,
  chooseVariant,
  correctReply,
  createChat,
  openChat,
  say,
  stopReply,
  undoCorrection,
  type Chat,
  type MessageRow,
} from '../api/chats';
import { ask, NotOfferedError, type Ended, type Turn } from '../api/client';
import { Meter, type Origin } from '../chat';
import { chats, said } from './chats.svelte';
import { route } from './route.svelte';
import { settings } from './settings.svelte';

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
  /** Characters per second, measured here. */
  rate: number | null;
}

type Write = (signal: AbortSignal, onText: (text: string) => void) => Promise<Ended>;

const UNLEARNED =
  'Corrected here; it will not be learned, since it was removed from the corpus before.';

class Conversation {
  bubbles = $state<Bubble[]>([]);
  /** The kept chat; null for one that is new, or kept nowhere. */
  id = $state<number | null>(null);
  isPrivate = $state(false);
  /** A line in the model's voice before anything was said. */
  opening = $state('');
  /** A chat is being fetched. */
  loading = $state(false);
  problem = $state('');
  /** What a screen reader is told: whole replies, once each. */
  announcement = $state('');
  withoutStreaming = $state(false);
  /** The server has no chats API. */
  unkept = $state(false);
  /** The model that answers now, for private chats. */
  model: Origin | null = null;
  private greeting = '';
  private counter = 0;
  private controller: AbortController | null = null;
  /** A stopped reply that is still being stored. */
  private settling: Promise<void> = Promise.resolve();

  get busy(): boolean {
    const last = this.bubbles.at(-1);
    return last?.state === 'thinking' || last?.state === 'writing';
  }

  get empty(): boolean {
    return this.bubbles.length === 0;
  }

  get keeps(): boolean {
    return !this.isPrivate && !this.unkept;
  }

  text(bubble: Bubble): string {
    return bubble.versions[bubble.chosen]?.text ?? '';
  }

  greet(text: string): void {
    this.greeting = text;
    if (this.empty && this.id === null) this.opening = text;
  }

  /** Show what the address names. */
  show(chat: number | null): void {
    if (chat === this.id) return;
    if (chat === null) this.begin(false);
    else void this.open(chat);
  }

  /** An empty conversation; a private one is kept nowhere. */
  begin(isPrivate: boolean): void {
    this.leave();
    this.id = null;
    this.isPrivate = isPrivate;
    this.opening = this.greeting;
    route.name(null);
  }

  async open(id: number): Promise<void> {
    this.leave();
    this.isPrivate = false;
    this.opening = '';
    this.id = id;
    this.loading = true;
    try {
      const found = await openChat(id);
      if (this.id === id) this.bubbles = found.messages.map((row) => this.bubble(row));
    } catch (error) {
      if (this.id === id) this.problem = said(error);
    }
    if (this.id === id) this.loading = false;
  }

  async send(message: string): Promise<void> {
    const text = message.trim();
    if (!text || this.busy) return;
    const history = this.history();
    const you = this.add('you', text);
    const reply = this.add('model');
    await this.write(reply, async (signal, onText) => {
      if (this.keeps) {
        try {
          return await this.sayAndKeep(text, you, signal, onText);
        } catch (error) {
          if (!(error instanceof NotOfferedError)) throw error;
          this.unkept = true;
        }
      }
      return this.askOnly(text, history, signal, onText);
    });
    if (this.keeps) void chats.refresh();
  }

  /** Another reply to the last question; the earlier ones stay as variants. */
  async again(): Promise<void> {
    const at = this.bubbles.findLastIndex((bubble) => bubble.from === 'you');
    const you = this.bubbles[at];
    if (!you || this.busy) return;
    const text = this.text(you);
    if (this.keeps && you.position === null) {
      // The server never had the question: it is asked as if for the first time.
      this.bubbles = this.bubbles.slice(0, at);
      return this.send(text);
    }
    const history = this.history(at);
    const reply = this.bubbles[at + 1] ?? this.add('model');
    const { id } = this;
    await this.write(reply, (signal, onText) =>
      this.keeps && id !== null
        ? answerAgain(id, settings.sampling, signal, onText)
        : this.askOnly(text, history, signal, onText),
    );
    if (!this.keeps || id === null) return;
    if (reply.state === 'failed') return; // a list that cannot be had either would say it twice
    await this.compare(id, reply);
    void chats.refresh();
  }

  stop(): void {
    this.controller?.abort();
  }

  async choose(bubble: Bubble, version: number): Promise<void> {
    const before = bubble.chosen;
    if (this.busy || version < 0 || version >= bubble.versions.length) return;
    bubble.chosen = version;
    bubble.note = '';
    this.announcement = this.text(bubble);
    if (!this.keeps || this.id === null || bubble.position === null) return;
    try {
      await chooseVariant(this.id, bubble.position, version);
    } catch (error) {
      bubble.chosen = before;
      bubble.note = said(error);
    }
  }

  /** Correct a reply for good. True where the server took it. */
  async correct(bubble: Bubble, text: string): Promise<boolean> {
    const { id } = this;
    const { position } = bubble;
    if (id === null || position === null) return false;
    return this.change(bubble, async () => {
      const found = await correctReply(id, position, text);
      this.adopt(bubble, found);
      bubble.note = found.learned ? '' : UNLEARNED;
      this.announcement = found.learned ? 'Corrected; it is now a training pair.' : UNLEARNED;
    });
  }

  async undo(bubble: Bubble): Promise<boolean> {
    const { id } = this;
    const { position } = bubble;
    if (id === null || position === null) return false;
    return this.change(bubble, async () => {
      this.adopt(bubble, await undoCorrection(id, position));
      bubble.note = this.announcement = 'Undone: the reply is again as the model wrote it.';
    });
  }

  private async change(bubble: Bubble, action: () => Promise<void>): Promise<boolean> {
    bubble.note = '';
    try {
      await action();
    } catch (error) {
      bubble.note = said(error);
      return false;
    }
    void chats.refresh();
    return true;
  }

  private async sayAndKeep(
    text: string,
    you: Bubble,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Ended> {
    if (this.id === null) {
      const { id } = await createChat(signal);
      if (signal.aborted) throw new DOMException('stopped', 'AbortError');
      this.id = id;
      route.name(id);
    }
    return say(this.id, text, settings.sampling, signal, onText, () => (you.position = -1));
  }

  private async askOnly(
    message: string,
    history: Turn[],
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<Ended> {
    const origin = this.model;
    const ended = await ask({ message, history, ...settings.sampling }, signal, onText, () => {
      this.withoutStreaming = true;
    });
    return origin?.run && origin.step !== null ? { run: origin.run, step: origin.step, ...ended } : ended;
  }

  private async write(bubble: Bubble, job: Write): Promise<void> {
    this.announcement = '';
    const controller = new AbortController();
    this.controller = controller;
    const before = bubble.chosen;
    bubble.versions.push({ text: '', seed: null, run: null, step: null, corrected: false });
    bubble.chosen = bubble.versions.length - 1;
    const version = bubble.versions[bubble.chosen] as Version;
    Object.assign(bubble, { state: 'thinking', problem: '', note: '', rate: null });
    try {
      await this.settling;
      const meter = new Meter(performance.now());
      const ended = await job(controller.signal, (piece) => {
        version.text += piece;
        bubble.state = 'writing';
        bubble.rate = meter.add(piece, performance.now()) ?? bubble.rate;
      });
      this.settle(bubble, version, ended);
      bubble.state = ended.stopped ? 'stopped' : 'done';
    } catch (error) {
      if (controller.signal.aborted) {
        bubble.state = 'stopped';
        if (this.shows(bubble)) this.settling = this.stopped(bubble);
      } else {
        bubble.state = 'failed';
        bubble.problem = said(error);
        if (error instanceof Error && 'ended' in error) this.settle(bubble, version, error.ended as Ended);
      }
    }
    if (!version.text && bubble.versions.length > 1) {
      bubble.versions.pop();
      bubble.chosen = before;
    }
    if (this.shows(bubble)) this.announcement = bubble.problem || this.text(bubble);
  }

  /** Whether a bubble is of the chat that is open: another may have been opened meanwhile. */
  private shows(bubble: Bubble): boolean {
    return this.bubbles.includes(bubble);
  }

  private settle(bubble: Bubble, version: Version, ended: Ended): void {
    bubble.position = ended.position ?? bubble.position;
    version.seed = ended.seed ?? null;
    version.run = ended.run ?? null;
    version.step = ended.step ?? null;
  }

  /** After a stop: what the server kept of the reply. */
  private async stopped(bubble: Bubble): Promise<void> {
    if (!this.keeps || this.id === null) return;
    try {
      const found = await stopReply(this.id);
      if (!this.shows(bubble)) return;
      // The question may have arrived although nothing came back.
      const yours = this.bubbles.filter((other) => other.from === 'you');
      const theirs = found.messages.filter((message) => message.role === 'user');
      const last = yours.at(-1);
      if (last && yours.length === theirs.length) last.position = theirs.at(-1)?.position ?? null;
      const row = found.messages.at(-1);
      if (row?.role !== 'assistant' || bubble !== this.bubbles.at(-1)) return;
      bubble.position = row.position;
      // Never less than what was shown: a reply of which nothing is stored stays as it is.
      const kept = row.variants[row.chosen];
      if (kept?.text.startsWith(this.text(bubble))) this.adopt(bubble, found);
    } catch {
      // The server is gone: it stored what it had, and the text on screen stays.
    }
    void chats.refresh();
  }

  /** The server may have kept more variants than were seen here: of a reply that broke off. */
  private async compare(id: number, bubble: Bubble): Promise<void> {
    try {
      const found = await openChat(id);
      if (this.id === id && !this.busy) this.adopt(bubble, found);
    } catch {
      // nothing is lost by showing what was seen
    }
  }

  private adopt(bubble: Bubble, found: Chat): void {
    const row = found.messages.find((message) => message.position === bubble.position);
    if (!row) return;
    bubble.versions = row.variants;
    bubble.chosen = row.chosen;
  }

  private bubble(row: MessageRow): Bubble {
    return {
      id: this.counter++,
      from: row.role === 'user' ? 'you' : 'model',
      position: row.position,
      versions: row.variants,
      chosen: row.chosen,
      state: 'done',
      problem: '',
      note: '',
      rate: null,
    };
  }

  private leave(): void {
    this.stop();
    this.controller = null;
    this.bubbles = [];
    this.problem = '';
    this.loading = false;
  }

  private history(end = this.bubbles.length): Turn[] {
    return this.bubbles
      .slice(0, end)
      .filter((bubble) => this.text(bubble))
      .map((bubble) => ({
        role: bubble.from === 'you' ? 'user' : 'assistant',
        content: this.text(bubble),
      }));
  }

  private add(from: Bubble['from'], text?: string): Bubble {
    const version = { text: text ?? '', seed: null, run: null, step: null, corrected: false };
    this.bubbles.push({
      id: this.counter++,
      from,
      position: null,
      versions: text === undefined ? [] : [version],
      chosen: 0,
      state: 'done',
      problem: '',
      note: '',
      rate: null,
    });
    // Read back through the proxy, so that later changes are seen.
    return this.bubbles[this.bubbles.length - 1] as Bubble;
  }
}

export const conversation = new Conversation();
