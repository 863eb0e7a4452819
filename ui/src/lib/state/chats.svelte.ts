/** The list of kept chats: searched, renamed, deleted. */
import { deleteChat, listChats, renameChat, type ChatRow } from '../api/chats';
import { ChatError, UNREACHABLE } from '../api/client';

const SHOWN = 50;
const PAUSE_MS = 200;

class Chats {
  rows = $state.raw<ChatRow[]>([]);
  more = $state(false);
  query = $state('');
  loaded = $state(false);
  problem = $state('');
  private limit = SHOWN;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  async refresh(): Promise<void> {
    const turn = ++this.asked;
    try {
      const found = await listChats(this.query, this.limit);
      if (turn !== this.asked) return; // a later question was asked meanwhile
      this.rows = found.chats;
      this.more = found.more;
      this.loaded = true;
      this.problem = '';
    } catch (error) {
      // A lost server is said once, by the conversation; what was listed stays, and is asked for
      // again when the server is back.
      const lost = error instanceof ChatError && error.message === UNREACHABLE;
      if (turn === this.asked && !(lost && this.loaded)) this.problem = said(error);
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

  remove(id: number): Promise<boolean> {
    return this.act(() => deleteChat(id));
  }

  private async act(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
    } catch (error) {
      this.problem = said(error);
      return false;
    }
    await this.refresh();
    return true;
  }
}

export function said(error: unknown): string {
  return error instanceof ChatError ? error.message : 'Something went wrong in the page.';
}

export const chats = new Chats();
