/**
 * The reply under way: its text as it comes, and how it ends.
 *
 * Knows: that a reply can be stopped, and that the next one waits until what was stopped is stored.
 * Does not know which chat is open or what is asked of the server (conversation.svelte.ts).
 */
import { ChatError } from '../api/client';
import type { ReplyFrame } from '../api/types';
import { Meter } from '../chat';
import { beginVersion, type Bubble, type Bubbles, dropIfEmpty, originOf, settle, textOf } from './bubbles.svelte';
import { sentenceFor } from './chats.svelte';
import { models } from './models.svelte';

export type Generate = (signal: AbortSignal, onText: (text: string) => void) => Promise<ReplyFrame>;

export class ReplyUnderWay {
  private readonly bubbles: Bubbles;
  private readonly announce: (text: string) => void;
  private readonly afterStop: (bubble: Bubble) => Promise<void>;
  private controller: AbortController | null = null;
  /** A stopped reply that is still being stored. */
  private settling: Promise<void> = Promise.resolve();

  /**
   * `announce` gets whole replies, once each; `afterStop` finds out what the server stored of one
   * that was stopped.
   */
  constructor(bubbles: Bubbles, announce: (text: string) => void, afterStop: (bubble: Bubble) => Promise<void>) {
    this.bubbles = bubbles;
    this.announce = announce;
    this.afterStop = afterStop;
  }

  stop(): void {
    this.controller?.abort();
  }

  /** Stop it, and have nothing more to do with it. */
  leave(): void {
    this.stop();
    this.controller = null;
  }

  async generate(bubble: Bubble, generate: Generate): Promise<void> {
    this.announce('');
    const controller = new AbortController();
    this.controller = controller;
    const before = bubble.chosen;
    const version = beginVersion(bubble);
    try {
      await this.settling;
      const meter = new Meter(performance.now());
      const ended = await generate(controller.signal, (text) => {
        version.text += text;
        bubble.state = 'writing';
        bubble.rate = meter.add(text, performance.now()) ?? bubble.rate;
      });
      settle(bubble, version, ended);
      bubble.state = ended.stopped ? 'stopped' : 'done';
      models.replied(originOf(bubble) ?? { run: null, step: null });
    } catch (error) {
      if (controller.signal.aborted) {
        bubble.state = 'stopped';
        if (this.bubbles.has(bubble)) this.settling = this.afterStop(bubble);
      } else {
        bubble.state = 'failed';
        bubble.problem = sentenceFor(error);
        if (error instanceof ChatError) settle(bubble, version, error.ended);
      }
    }
    dropIfEmpty(bubble, version, before);
    if (this.bubbles.has(bubble)) this.announce(bubble.problem || textOf(bubble));
  }
}
