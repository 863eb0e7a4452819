/**
 * What all panels of Inside share: the text, the run and checkpoint that read it, and the selected
 * piece.
 *
 * Knows: what is asked of the server, and how a choice becomes an address. Does not know panels.
 * The text is kept here alone: it stands in no address, and a reload begins anew.
 */
import { untrack } from 'svelte';
import { fetchInsideRuns, inspect, type Asked } from '../api/inside';
import type { InsideRun, PieceRow, PiecesAnswer } from '../api/types';
import { Loaded } from '../inside/loaded.svelte';
import { nearestStep, readPlace, writePlace, type Panel } from '../inside/places';
import { named, shown } from '../inside/pieces';
import { sentenceFor } from './chats.svelte';
import { conversation } from './conversation.svelte';
import { models } from './models.svelte';
import { textOf } from './bubbles.svelte';
import { takeCarried } from './carried';
import { training } from './training.svelte';

const TYPING_MS = 150;
/** Read where there is no text of the workspace yet. */
const NEUTRAL = 'Hello';

class InsideState {
  panel = $state<Panel>('pieces');
  text = $state(NEUTRAL);
  /** What was replied to the text; null where the text is no message. */
  reply = $state<string | null>(null);
  /** The first piece of the window; null for the end of the text. */
  start = $state<number | null>(null);
  runs = $state.raw<InsideRun[] | null>(null);
  problem = $state('');
  /** Why another checkpoint is shown than the one that was asked for. */
  notice = $state('');
  /** The wanted run is being trained and has no checkpoint yet. */
  awaits = $state(false);
  /** Show each checkpoint of a training as it is saved. */
  follow = $state(false);
  /** Where on the tour one is, which leads to other views and back; null off it. */
  tour = $state<number | null>(null);
  layer = $state(0);
  head = $state(0);
  /** How strongly the panel paints each piece of the window, 0 to 1; null where it paints none. */
  paint = $state.raw<((position: number) => number) | null>(null);
  readonly pieces = new Loaded<PiecesAnswer>();
  wantedRun = $state<string | null>(null);
  private wantedStep = $state<number | null>(null);
  private newest = $state<string | null>(null);
  private chosen = $state<number | null>(null);
  /** The text as it was a moment ago: nothing is asked at every key. */
  private settled = $state.raw<{ text: string; reply: string | null }>({ text: NEUTRAL, reply: null });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private begun = false;
  /** The text is an example, and nobody has worked with it. */
  private untouched = false;

  readonly run: InsideRun | null = $derived.by(() => {
    const named = (name: string | null): InsideRun | undefined =>
      this.runs?.find((run) => run.name === name);
    // Where none is named, the one that replies in the chat.
    return named(this.wantedRun) ?? named(models.row?.name ?? null) ?? named(this.newest) ?? this.runs?.[0] ?? null;
  });

  readonly steps: number[] = $derived((this.run?.checkpoints ?? []).map(({ step }) => step));

  readonly step: number | null = $derived.by(() => {
    if (!this.run) return null;
    if (this.wantedStep !== null) return nearestStep(this.steps, this.wantedStep);
    return this.run.best ?? this.steps.at(-1) ?? null;
  });

  /** What every panel asks; null until it is known which model reads. */
  readonly asked: Asked | null = $derived.by(() => {
    if (!this.run || this.step === null) return null;
    return { run: this.run.name, step: this.step, ...this.settled, start: this.start };
  });

  readonly answer: PiecesAnswer | null = $derived(this.pieces.value);
  /** Whether the pieces, and so the selected one, are those of the text that is asked about. */
  readonly current: boolean = $derived(this.asked !== null && this.pieces.answered === JSON.stringify(this.asked));
  private readonly table: Map<number, PieceRow> = $derived(
    new Map((this.answer?.vocabulary ?? []).map((piece) => [piece.id, piece])),
  );

  /** The pieces of the window that the model reads. */
  readonly window: PieceRow[] = $derived.by(() => {
    const answer = this.answer;
    if (!answer) return [];
    return answer.ids.slice(answer.start, answer.stop).map((id) => this.table.get(id)!);
  });

  /** The selected piece of the window; the last one until another is chosen. */
  readonly selected: number = $derived(
    Math.max(0, Math.min(this.chosen ?? this.window.length - 1, this.window.length - 1)),
  );
  readonly pinned: boolean = $derived(this.chosen !== null);
  readonly piece: PieceRow | undefined = $derived(this.window[this.selected]);
  readonly name: string = $derived(named(this.piece));

  /** Enter the view: what was handed over, else what the address names. */
  async begin(): Promise<void> {
    const place = readPlace(location.hash);
    this.panel = place.panel;
    if (place.run !== null) this.wantedRun = place.run;
    if (place.step !== null || place.run !== null) this.wantedStep = place.step;
    const carried = takeCarried();
    if (carried) {
      this.wantedRun = carried.run;
      this.wantedStep = carried.step;
      this.read(carried.text, carried.reply);
    } else if (!this.begun) {
      this.readFirst();
    }
    this.begun = true;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      const found = await fetchInsideRuns();
      this.runs = found.runs;
      this.newest = found.newest;
      this.problem = '';
      const missing = this.wantedRun !== null && this.run?.name !== this.wantedRun;
      if (missing && this.wantedRun !== training.trained) await training.look();
      this.awaits = missing && this.wantedRun === training.trained;
      if (this.follow && !missing) this.wantedStep = this.steps.at(-1) ?? null;
      const other = this.wantedStep !== null && this.step !== this.wantedStep;
      if (missing && !this.awaits) {
        this.notice = `The run ${this.wantedRun} has no checkpoint; this is ${this.run?.name}.`;
        this.wantedRun = this.wantedStep = null;
      } else if (other && !missing) {
        this.notice = `There is no checkpoint of step ${this.wantedStep}; this is the nearest.`;
      }
      this.nameIt();
    } catch (error) {
      this.problem = sentenceFor(error);
    }
  }

  /** Ask for the pieces of what is to be read; called when that changes. */
  want(): void {
    const asked = this.asked;
    if (!asked) return;
    untrack(() => this.pieces.want(JSON.stringify(asked), (signal) => inspect('pieces', { ...asked }, signal)));
  }

  show(panel: Panel): void {
    this.panel = panel;
    this.nameIt();
  }

  chooseRun(name: string): void {
    this.wantedRun = name;
    this.wantedStep = null;
    this.notice = '';
    this.layer = this.head = 0;
    this.nameIt();
  }

  /** Show each checkpoint of what is being trained, from now on. */
  followTraining(follow: boolean): void {
    this.follow = follow;
    if (!follow || training.trained === null) return;
    if (this.run?.name !== training.trained) this.chooseRun(training.trained);
    void this.refresh();
  }

  chooseStep(step: number): void {
    this.wantedStep = step;
    this.follow = false;
    this.notice = '';
    this.nameIt();
  }

  /** Read the last message of the chat, else an example. */
  private readFirst(): void {
    const said = lastSaid();
    if (said) return this.read(...said);
    this.untouched = true;
    this.suggest();
  }

  /** The example is a question out of the person's own messages, once the server has said which. */
  suggest(): void {
    const question = models.health?.starters[0];
    if (!this.untouched || question === undefined) return;
    this.read(question, null);
    this.untouched = true;
  }

  /** Read another text at once. */
  read(text: string, reply: string | null): void {
    clearTimeout(this.timer);
    this.untouched = false;
    this.text = text;
    this.reply = reply;
    // Typed again as it was: what is chosen in it stays chosen.
    if (text === this.settled.text && reply === this.settled.reply) return;
    this.start = null;
    this.chosen = null;
    this.settled = { text, reply };
  }

  /** Read what is being typed once the fingers rest. */
  type(text: string, reply: string | null): void {
    this.untouched = false;
    this.text = text;
    this.reply = reply;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.read(this.text, this.reply), TYPING_MS);
  }

  /** Write a piece behind the text. */
  append(text: string): void {
    if (this.reply === null) this.read(this.text + text, null);
    // What stands behind the mark <|me|> begins with a space of its own.
    else this.read(this.text, this.reply === '' ? text.replace(/^ /, '') : this.reply + text);
  }

  select(position: number | null): void {
    this.untouched = false;
    this.chosen = position;
  }

  move(by: number): void {
    this.select(Math.max(0, Math.min(this.window.length - 1, this.selected + by)));
  }

  /** Move the window over a text that is longer than the context. */
  slide(by: number): void {
    const answer = this.answer;
    if (!answer) return;
    this.start = Math.max(0, Math.min(answer.total - (answer.stop - answer.start), answer.start + by));
    this.chosen = null;
  }

  shownAt(position: number): string {
    return shown(this.window[position]);
  }

  private nameIt(): void {
    const step = this.wantedStep === null ? null : this.step;
    const run = this.wantedRun === null ? null : (this.run?.name ?? null);
    const address = writePlace({ panel: this.panel, run, step });
    if (location.hash.startsWith('#/inside') && location.hash !== address) history.replaceState(null, '', address);
  }
}

/** The last message of the chat and its reply, where there is one. */
function lastSaid(): [string, string] | null {
  const { list } = conversation.bubbles;
  const asked = list.findLastIndex((bubble) => bubble.from === 'you');
  const message = list[asked];
  if (!message) return null;
  const replied = list[asked + 1];
  return [textOf(message), replied ? textOf(replied) : ''];
}

export const inside = new InsideState();
