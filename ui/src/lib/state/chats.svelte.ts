/**
 * The list of kept chats: searched, renamed, deleted. A deletion is sent some seconds after it was
 * asked for, so that it can be taken back; at once where the page goes, or another one is asked for.
 */
import { deleteChat, listChats, renameChat } from '../api/chats';
import { ChatError, UNREACHABLE } from '../api/client';
import type { ChatRow } from '../api/types';
import { keepDraft } from './drafts';

const SHOWN = 50;
const PAUSE_MS = 200;
/** How long a deletion can be taken back. */
export const UNDO_MS = 10_000;

class Chats {
  rows = $state.raw<ChatRow[]>([]);
  more = $state(false);
  query = $state('');
  loaded = $state(false);
  problem = $state('');
  /** A chat that is about to be deleted. */
  removed = $state.raw<ChatRow | null>(null);
  private deletion: ReturnType<typeof setTimeout> | undefined;
  private limit = SHOWN;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  async refresh(): Promise<void> {
    const turn = ++this.asked;
    try {
      const found = await listChats(this.query, this.limit);
      if (turn !== this.asked) return; // a later question was asked meanwhile
      this.rows = found.chats.filter((row) => row.id !== this.removed?.id);
      this.more = found.more;
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      // A lost server is shown once, by the conversation; what was listed stays, and is asked for
      // again when the server is back.
      const lost = error instanceof ChatError && error.message === UNREACHABLE;
      if (turn === this.asked && !(lost && this.loaded)) this.problem = sentenceFor(error);
    }
  }

  search(query: string): void {
    this.query = query;
    this.limit = SHOWN;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), PAUSE_MS);
  }

  showMore(): void {
    this.limit = 1000;
    void this.refresh();
  }

  rename(id: number, title: string): Promise<boolean> {
    return this.act(() => renameChat(id, title));
  }

  /** Delete a chat, unless that is taken back in time. */
  remove(row: ChatRow): void {
    this.purge();
    this.removed = row;
    this.rows = this.rows.filter((other) => other.id !== row.id);
    this.deletion = setTimeout(() => this.purge(), UNDO_MS);
  }

  /** Take a deletion back; the chat. */
  async restore(): Promise<ChatRow | null> {
    clearTimeout(this.deletion);
    const row = this.removed;
    this.removed = null;
    await this.refresh();
    return row;
  }

  /** Carry out the deletion that was asked for. */
  purge(): void {
    clearTimeout(this.deletion);
    const row = this.removed;
    if (!row) return;
    keepDraft(row.id, '');
    // Not shown again until it is gone.
    void this.act(() => deleteChat(row.id)).then(() => {
      if (this.removed === row) this.removed = null;
    });
  }

  private async act(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
    } catch (error) {
      this.problem = sentenceFor(error);
      return false;
    }
    await this.refresh();
    return true;
  }
}

/** What to show for an error. */
export function sentenceFor(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return UNREACHABLE;
  return error instanceof ChatError ? error.message : 'Something went wrong in the page.';
}

export const chats = new Chats();
