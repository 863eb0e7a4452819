/** An answer of the server to the last question; the one before stays until the next is here. */
import { sentenceFor } from '../state/chats.svelte';

export class Loaded<Value> {
  value = $state.raw<Value | null>(null);
  /** Why the last question was not answered. */
  problem = $state('');
  busy = $state(false);
  /** The key of the question that `value` answers. */
  answered = $state('');
  private key = '';
  private fetch: ((signal: AbortSignal) => Promise<Value>) | null = null;
  private controller: AbortController | null = null;

  /** Ask, unless `key` is what was asked last and no answer failed to come; whether it was asked. */
  want(key: string, fetch: (signal: AbortSignal) => Promise<Value>): boolean {
    if (key === this.key && !this.problem) return false;
    this.key = key;
    this.fetch = fetch;
    void this.ask();
    return true;
  }

  retry(): void {
    void this.ask();
  }

  private async ask(): Promise<void> {
    if (!this.fetch) return;
    this.controller?.abort();
    const controller = new AbortController();
    const { key } = this;
    this.controller = controller;
    this.busy = true;
    try {
      const found = await this.fetch(controller.signal);
      if (controller !== this.controller) return; // another question was asked meanwhile
      this.value = found;
      this.answered = key;
      this.problem = '';
    } catch (error) {
      if (controller !== this.controller || controller.signal.aborted) return;
      this.value = null;
      this.problem = sentenceFor(error);
    }
    this.busy = false;
  }
}
