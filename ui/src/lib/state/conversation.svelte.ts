/** The conversation on screen, and the reply under way. */
import { ask, ChatError, type Turn } from '../api/client';
import { settings } from './settings.svelte';

export interface Bubble {
  id: number;
  from: 'you' | 'model';
  text: string;
  state: 'done' | 'thinking' | 'writing' | 'stopped' | 'failed';
  problem?: string;
}

class Conversation {
  bubbles = $state<Bubble[]>([]);
  /** What a screen reader is told: whole replies, once each. */
  announcement = $state('');
  withoutStreaming = $state(false);
  private counter = 0;
  private controller: AbortController | null = null;

  get busy(): boolean {
    const last = this.bubbles.at(-1);
    return last?.state === 'thinking' || last?.state === 'writing';
  }

  get empty(): boolean {
    return !this.bubbles.some((bubble) => bubble.from === 'you');
  }

  open(text: string): void {
    if (this.bubbles.length === 0) this.add('model', text, 'done');
  }

  clear(opening: string | null): void {
    this.stop();
    this.bubbles = [];
    if (opening) this.open(opening);
  }

  async send(message: string): Promise<void> {
    const text = message.trim();
    if (!text || this.busy) return;
    const history = this.history();
    this.add('you', text, 'done');
    const bubble = this.add('model', '', 'thinking');
    const controller = new AbortController();
    this.controller = controller;
    const question = {
      message: text,
      history,
      temperature: settings.temperature,
      top_k: settings.topK,
    };
    try {
      await ask(
        question,
        controller.signal,
        (piece) => {
          bubble.text += piece;
          bubble.state = 'writing';
        },
        () => (this.withoutStreaming = true),
      );
      bubble.state = 'done';
    } catch (error) {
      if (controller.signal.aborted) {
        bubble.state = 'stopped';
      } else {
        bubble.state = 'failed';
        bubble.problem =
          error instanceof ChatError ? error.message : 'Something went wrong in the page.';
      }
    }
    this.announcement = bubble.problem ?? bubble.text;
  }

  /** Ask the last question again; its old answer goes. */
  async retry(): Promise<void> {
    if (this.busy) return;
    const at = this.bubbles.findLastIndex((bubble) => bubble.from === 'you');
    const question = this.bubbles[at];
    if (!question) return;
    this.bubbles = this.bubbles.slice(0, at);
    await this.send(question.text);
  }

  stop(): void {
    this.controller?.abort();
  }

  private history(): Turn[] {
    // The opening bubble answers nothing, so it is no part of the history.
    const first = this.bubbles.findIndex((bubble) => bubble.from === 'you');
    if (first < 0) return [];
    return this.bubbles
      .slice(first)
      .filter((bubble) => bubble.text)
      .map((bubble) => ({
        role: bubble.from === 'you' ? 'user' : 'assistant',
        content: bubble.text,
      }));
  }

  private add(from: Bubble['from'], text: string, state: Bubble['state']): Bubble {
    this.bubbles.push({ id: this.counter++, from, text, state });
    // Read back through the proxy, so that later changes are seen.
    return this.bubbles[this.bubbles.length - 1] as Bubble;
  }
}

export const conversation = new Conversation();
