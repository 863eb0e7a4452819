/**
 * The conversation on screen.
 *
 * Knows: which chat is open, whether the server keeps it, what is asked of the server. A kept
 * chat is the server's: what it stored wins over what was shown. A private one is only here.
 * Does not know how a bubble changes (bubbles.svelte.ts), how a reply comes in (reply.svelte.ts),
 * nor how what was said is changed (amend.ts).
 */
import { copyChat, listen, openChat, regenerate, say, stopReply } from '../api/chats';
import { ask, ChatError, NotOfferedError, UNREACHABLE } from '../api/client';
import type { Asking, Chat, ReplyFrame, Turn } from '../api/types';
import { adopt, Bubbles, textOf, type Bubble } from './bubbles.svelte';
import { chats, sentenceFor } from './chats.svelte';
import { draftOf, keepDraft, type DraftOf } from './drafts';
import { models } from './models.svelte';
import { ReplyUnderWay } from './reply.svelte';
import { route } from './route.svelte';
import { settings } from './settings.svelte';

/** The server has the message, its place is known when the reply ends. */
const STORED_SOMEWHERE = -1;
const PATIENCE_MS = 3000;

const PRIVATE = 'inkling.private';

function wasPrivate(): boolean {
  try {
    return sessionStorage.getItem(PRIVATE) !== null;
  } catch {
    return false;
  }
}

class Conversation {
  readonly bubbles = new Bubbles();
  readonly reply = new ReplyUnderWay(
    this.bubbles,
    (text) => (this.announcement = text),
    (bubble) => this.afterStop(bubble),
  );
  /** The kept chat; null for one that is new, or kept nowhere. */
  id = $state<number | null>(null);
  isPrivate = $state(wasPrivate());
  /** A line in the model's voice before anything was said. */
  opening = $state('');
  /** A chat is being fetched. */
  loading = $state(false);
  problem = $state('');
  /** What a screen reader says: whole replies, once each, and what came of an action. */
  announcement = $state('');
  withoutStreaming = $state(false);
  /** The server has no chats API. */
  unkept = $state(false);
  /** Goes up when somebody begins a new chat, to write into. */
  fresh = $state(0);
  /** What was asked for while a private chat would be lost by it. */
  leaving = $state.raw<(() => void) | null>(null);
  private greeting = '';
  /** A message is on its way: what the server has of the chat is looked at first. */
  private sending = $state(false);

  get busy(): boolean {
    return this.sending || this.bubbles.busy;
  }

  get empty(): boolean {
    return this.bubbles.list.length === 0;
  }

  get keeps(): boolean {
    return !this.isPrivate && !this.unkept;
  }

  get draftOf(): DraftOf {
    return this.isPrivate ? 'private' : (this.id ?? 'new');
  }

  greet(text: string): void {
    this.greeting = text;
    if (this.empty && this.id === null) this.opening = text;
  }

  /** Show what the address names. */
  show(chat: number | null): void {
    if (chat !== this.id) this.unlessLost(() => (chat === null ? this.renew(false) : void this.open(chat)));
  }

  /** An empty conversation; a private one is kept nowhere. */
  begin(isPrivate: boolean): void {
    this.unlessLost(() => this.renew(isPrivate));
  }

  /** Stay in the private chat that would have been lost. */
  stay(): void {
    this.leaving = null;
    route.name(this.id);
  }

  private unlessLost(go: () => void): void {
    const act = (): void => {
      this.leaving = null;
      go();
    };
    if (this.isPrivate && !this.empty) this.leaving = act;
    else act();
  }

  private renew(isPrivate: boolean): void {
    this.leave();
    this.id = null;
    this.setPrivate(isPrivate);
    this.opening = this.greeting;
    this.fresh++;
    route.name(null);
  }

  async open(id: number): Promise<void> {
    this.leave();
    this.setPrivate(false);
    this.opening = '';
    this.id = id;
    this.loading = true;
    try {
      const found = await openChat(id);
      if (this.id === id) {
        this.bubbles.load(found.messages);
        this.join(id, found);
      }
    } catch (error) {
      if (this.id === id) this.problem = sentenceFor(error);
    }
    if (this.id === id) this.loading = false;
  }

  /** What the server has of the open chat: another page may have gone on with it. */
  async sync(): Promise<void> {
    const { id } = this;
    if (!this.keeps || id === null || this.bubbles.busy || this.loading) return;
    try {
      const found = await openChat(id, AbortSignal.timeout(PATIENCE_MS));
      if (this.id !== id || this.bubbles.busy) return;
      this.bubbles.renew(found.messages);
      this.problem = '';
      this.join(id, found);
    } catch (error) {
      // That a server is gone is found out by what is asked of it next.
      const lost = !(error instanceof ChatError) || error.message === UNREACHABLE;
      if (this.id === id && !lost) this.problem = sentenceFor(error);
    }
  }

  /** Listen to a reply that is being generated already. */
  private join(id: number, { replying }: Chat): void {
    if (!replying) return;
    const { last } = this.bubbles;
    const reply = replying === 'again' && last?.from === 'model' ? last : this.bubbles.add('model');
    const ended = this.reply.generate(reply, (signal, onText) => listen(id, signal, onText));
    void ended.then(() => {
      // It may have ended before anyone could listen.
      if (this.id === id && reply.state === 'failed') void this.sync();
    });
  }

  /** A tab that is reloaded stays private, though its chat is gone. */
  private setPrivate(isPrivate: boolean): void {
    this.isPrivate = isPrivate;
    try {
      if (isPrivate) sessionStorage.setItem(PRIVATE, 'yes');
      else sessionStorage.removeItem(PRIVATE);
    } catch {
      // forbidden: a reload then begins with a chat that is kept, and says so
    }
  }

  private leave(): void {
    this.reply.leave();
    this.bubbles.clear();
    this.problem = '';
    this.loading = false;
  }

  // -- asking ---------------------------------------------------------------------------------

  private get asking(): Asking {
    return { ...settings.sampling, ...models.choice };
  }

  /** False where it cannot be asked now: the text is to stay where it was typed. */
  async send(message: string): Promise<boolean> {
    const text = message.trim();
    if (!text || this.busy) return false;
    this.sending = true;
    await this.sync();
    const free = !this.bubbles.busy;
    if (free) void this.answer(text);
    else this.announcement = 'Another page is getting a reply in this chat. Send again when it is complete.';
    this.sending = false;
    return free;
  }

  private async answer(text: string): Promise<void> {
    const history = this.bubbles.history();
    const you = this.bubbles.add('you', text);
    const reply = this.bubbles.add('model');
    await this.reply.generate(reply, async (signal, onText) => {
      if (this.keeps) {
        try {
          return await this.askAndKeep(text, you, signal, onText);
        } catch (error) {
          if (!(error instanceof NotOfferedError)) throw error;
          this.unkept = true;
        }
      }
      return this.askOnly(text, history, signal, onText);
    });
    if (you.position === STORED_SOMEWHERE && reply.position !== null) you.position = reply.position - 1;
    if (this.keeps) void chats.refresh();
  }

  /** Another reply to the last question; the earlier ones stay as variants. */
  async regenerate(): Promise<void> {
    const at = this.bubbles.question;
    const you = this.bubbles.list[at];
    if (!you || this.busy) return;
    const text = textOf(you);
    if (this.keeps && (you.position === null || this.id === null)) {
      // The server never had the question: it is asked as if for the first time.
      this.bubbles.list = this.bubbles.list.slice(0, at);
      return this.answer(text);
    }
    const history = this.bubbles.history(at);
    const reply = this.bubbles.list[at + 1] ?? this.bubbles.add('model');
    const { id } = this;
    await this.reply.generate(reply, (signal, onText) =>
      this.keeps && id !== null
        ? regenerate(id, this.asking, signal, onText)
        : this.askOnly(text, history, signal, onText),
    );
    if (!this.keeps || id === null) return;
    if (reply.state === 'failed') return; // a list that cannot be had either would say it twice
    await this.compare(id, reply);
    void chats.refresh();
  }

  /**
   * Say something else than was said, from there on: in a new chat, so that this one stays; one that
   * is kept nowhere loses what followed. False where it could not be done.
   */
  async resend(bubble: Bubble, text: string): Promise<boolean> {
    const at = this.bubbles.list.indexOf(bubble);
    if (at < 0 || this.busy) return false;
    if (this.keeps && this.id !== null && bubble.position !== null) {
      try {
        if (bubble.position <= 0) this.renew(false);
        else await this.open((await copyChat(this.id, bubble.position)).id);
        route.name(this.id);
      } catch (error) {
        bubble.note = sentenceFor(error);
        return false;
      }
    } else this.bubbles.list = this.bubbles.list.slice(0, at);
    return this.send(text);
  }

  private async askAndKeep(
    text: string,
    you: Bubble,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<ReplyFrame> {
    return say(this.id, text, this.asking, signal, onText, (chat) => {
      you.position ??= STORED_SOMEWHERE;
      if (chat === undefined || !this.bubbles.has(you)) return;
      // What was typed meanwhile stays in the box.
      keepDraft(chat, draftOf('new'));
      keepDraft('new', '');
      this.id = chat;
      route.name(chat);
    });
  }

  private askOnly(
    message: string,
    history: Turn[],
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<ReplyFrame> {
    return ask({ message, history, origin: true, ...this.asking }, signal, onText, () => {
      this.withoutStreaming = true;
    });
  }

  private async afterStop(bubble: Bubble): Promise<void> {
    if (!this.keeps || this.id === null) return;
    try {
      const found = await stopReply(this.id);
      if (!this.bubbles.has(bubble)) return;
      this.bubbles.reconcile(bubble, found);
    } catch {
      // The server is gone: it stored what it had, and the text on screen stays.
    }
    void chats.refresh();
  }

  /** The server may have kept more variants than were seen here: of a reply that broke off. */
  private async compare(id: number, bubble: Bubble): Promise<void> {
    try {
      const found = await openChat(id);
      if (this.id === id && !this.busy) adopt(bubble, found);
    } catch {
      // nothing is lost by showing what was seen
    }
  }
}

export const conversation = new Conversation();
