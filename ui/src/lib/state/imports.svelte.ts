/**
 * The one import of the server, as this page and every other tab sees it.
 *
 * Knows: what is sent from here; that an import that is under way is listened to, and that one may
 * be begun in another tab. Does not know how any of it looks.
 */
import {
  beginAddress,
  beginFiles,
  cancelImport,
  confirmImport,
  fetchImport,
  readImportAgain,
  sendFiles,
  watchImport,
} from '../api/imports';
import { ChatError, UNREACHABLE } from '../api/client';
import type { ImportNow, Said } from '../api/types';
import { fromDrop, type Dropped, type Picked } from '../picked';
import { sentenceFor } from './chats.svelte';

const POLL_MS = 3000;
const ORDER: ImportNow['state'][] = ['sending', 'reading', 'asking', 'adding', 'done', 'failed'];
const UNREADABLE =
  'The files could not be read to their end: they were moved or changed, or may not be read. Choose them again.';
const GONE =
  'The import is over: it was cancelled in another tab, or the server was started again. Nothing was added.';

/** Grows while an import goes on: each time it is read again it begins anew. */
const stage = ({ readings, state }: ImportNow): number => readings * ORDER.length + ORDER.indexOf(state);

class Imports {
  now = $state.raw<ImportNow | null>(null);
  loaded = $state(false);
  /** A request of this page is under way: its buttons wait. */
  waiting = $state(false);
  /** Why the last thing that was asked for was not done. */
  refusal = $state('');
  /** Counts what was added: then there is something new in the corpus. */
  added = $state(0);
  private attended = false;
  private watched: string | null = null;
  private unwatch: (() => void) | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: AbortController | null = null;

  /** Keep up to date until what is returned is called. A hidden page asks nothing. */
  attend(): () => void {
    const wake = (): void => void this.refresh();
    this.attended = true;
    document.addEventListener('visibilitychange', wake);
    wake();
    return () => {
      this.attended = false;
      document.removeEventListener('visibilitychange', wake);
      clearTimeout(this.timer);
      this.leave();
    };
  }

  async drop(dropped: readonly Dropped[]): Promise<void> {
    try {
      await this.send(await fromDrop(dropped));
    } catch {
      this.refusal = UNREADABLE;
    }
  }

  async send(files: readonly Picked[]): Promise<void> {
    if (files.length === 0) {
      this.refusal = 'There are no files in it.';
      return;
    }
    await this.act(async () => {
      const begun = await beginFiles(files);
      this.take(begun);
      const sending = (this.sending = new AbortController());
      try {
        this.take(await sendFiles(begun.id, files, sending.signal));
      } catch (error) {
        if (sending.signal.aborted) return;
        await this.explain(error, begun.id);
      } finally {
        this.sending = null;
      }
    });
  }

  read(address: string): Promise<boolean> {
    return this.act(async () => this.take(await beginAddress(address)));
  }

  /** Read what was sent once more, as it was said. */
  readAgain(said: Said): Promise<boolean> {
    const id = this.now?.id ?? '';
    return this.act(async () => this.take(await readImportAgain(id, said)));
  }

  confirm(me: Record<string, string[]>, drafts: boolean): Promise<boolean> {
    const id = this.now?.id ?? '';
    return this.act(async () => this.take(await confirmImport(id, me, drafts)));
  }

  /** End the import, or take away what it says. */
  async cancel(): Promise<boolean> {
    const id = this.now?.id;
    this.sending?.abort();
    if (id === undefined) return true;
    return this.act(async () => {
      await cancelImport(id);
      this.take(null);
    }, true);
  }

  /** One thing at a time: a second click finds the first under way. */
  private async act(action: () => Promise<void>, meanwhile = false): Promise<boolean> {
    if (this.waiting && !meanwhile) return false;
    this.waiting = true;
    this.refusal = '';
    try {
      await action();
      return this.refusal === '';
    } catch (error) {
      this.refusal = sentenceFor(error);
      return false;
    } finally {
      this.waiting = false;
      void this.refresh();
    }
  }

  /** Why files did not arrive: the import says it, or it is the files' fault. */
  private async explain(error: unknown, id: string): Promise<void> {
    const now = await fetchImport(); // where the server is gone, that is what is said
    if (now?.id === id && now.state === 'failed') {
      this.take(now);
      return;
    }
    const broken = error instanceof ChatError && error.message === UNREACHABLE;
    if (broken) {
      if (now?.id === id) await cancelImport(id);
      this.take(now?.id === id ? null : now); // else the next look says that somebody ended it
    }
    this.refusal = broken ? UNREADABLE : sentenceFor(error);
  }

  private async refresh(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.attended) return;
    if (document.hidden) {
      this.leave();
      return;
    }
    try {
      const now = await fetchImport();
      if (now === null && this.underWay && !this.waiting) this.refusal = GONE;
      this.take(now);
      this.loaded = true;
    } catch {
      // The Training view's list says that the server is gone; this is asked again.
    }
    clearTimeout(this.timer);
    if (this.attended) this.timer = setTimeout(() => void this.refresh(), POLL_MS);
  }

  private take(now: ImportNow | null): void {
    // An answer may come later than the event that followed it.
    if (now && now.id === this.now?.id && stage(now) < stage(this.now)) return;
    if (now?.state === 'done' && !(this.now?.id === now.id && this.now.state === 'done')) {
      this.added += 1;
    }
    // A page that receives the same again shows the same: what is typed or chosen in it stays.
    if (JSON.stringify(now) !== JSON.stringify(this.now)) this.now = now;
    this.watch();
  }

  private get underWay(): boolean {
    return this.now !== null && this.now.state !== 'done' && this.now.state !== 'failed';
  }

  private watch(): void {
    const id = this.underWay && this.attended ? (this.now?.id ?? null) : null;
    if (id === this.watched) return;
    this.leave();
    this.watched = id;
    if (id === null) return;
    this.unwatch = watchImport(
      id,
      (now) => this.watched === id && this.take(now),
      () => {
        this.leave();
        void this.refresh();
      },
    );
  }

  private leave(): void {
    this.unwatch?.();
    this.unwatch = null;
    this.watched = null;
  }
}

export const imports = new Imports();
