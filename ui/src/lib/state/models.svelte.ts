/**
 * Which model replies: what was chosen in this browser, else what the server replies with.
 *
 * Knows: the choice of run and checkpoint, what the server says of that model (its health). Never
 * changed by a training: one that ends is offered, not taken. Does not know how any of it looks.
 */
import { fetchHealth } from '../api/client';
import type { Health, ModelChoice, RunRow } from '../api/types';
import type { Origin } from '../chat';
import { sentenceFor } from './chats.svelte';
import { settings } from './settings.svelte';
import { training } from './training.svelte';

/** Reading a large model may take a minute; an answer that never comes is asked for again. */
const PATIENCE_MS = 120_000;

/** The step of the checkpoint that replies for a run where none is chosen. An imported one may have
 * no loss to be the best by: it has one checkpoint. */
export const usedStep = (row: RunRow): number | null =>
  row.best.finetune?.step ?? row.best.train?.step ?? (row.imported ? (row.checkpoints.at(-1) ?? null) : null);

/** What a person calls a run, and what its folder is called. */
export const nameOf = (row: { name: string; title: string }): string =>
  row.title ? `${row.title} (${row.name})` : row.name;

class Models {
  health = $state.raw<Health | null>(null);
  problem = $state('');
  /** Why another model replies than the one that was chosen. */
  notice = $state('');
  private run = $state<string | null>(null);
  private step = $state<number | null>(null);
  /** The newest run that was offered and not taken. */
  private declined = $state<string | null>(null);
  private restored = false;
  /** What the choice meant when the server was asked last; null to ask again. */
  private told: string | null = null;
  /** The choice that the server is being asked about: loading a model may take long. */
  private asking: ModelChoice | null = null;
  private asked = 0;

  /** What a request says of it; empty while nothing was ever chosen. */
  readonly choice: ModelChoice = $derived({
    ...(this.run === null ? {} : { run: this.run }),
    ...(this.step === null ? {} : { step: this.step }),
  });

  /** Runs that can reply, the lessons of a ladder last. */
  readonly rows: RunRow[] = $derived.by(() => {
    const usable = (training.list?.runs ?? []).filter((row) => usedStep(row) !== null);
    return [...usable.filter((row) => row.group === null), ...usable.filter((row) => row.group !== null)];
  });

  readonly row: RunRow | null = $derived(this.rows.find((row) => row.name === this.run) ?? null);

  /** What replies now, as far as the server has said. */
  readonly answering: Origin | null = $derived(
    this.health?.model ? { run: this.health.model.run, step: this.health.model.step } : null,
  );

  /** A run that was trained to its end after the chosen one: to be offered. */
  readonly newer: RunRow | null = $derived.by(() => {
    const { row } = this;
    const found = this.rows.find((other) => other.group === null && other.state === 'done');
    if (!row || !found || found.name === row.name || found.name === this.declined) return null;
    return found.created > row.created ? found : null;
  });

  /** Changes when the choice may mean another checkpoint than before. */
  readonly meaning: string = $derived(
    this.row
      ? `${this.row.name} ${this.row.created} ${this.step ?? usedStep(this.row)}`
      : this.rows.map((row) => `${row.name} ${usedStep(row)}`).join(),
  );

  choose(run: string, step: number | null = null): void {
    this.run = run;
    this.step = step;
    this.notice = '';
    this.save();
  }

  decline(): void {
    this.declined = this.newer?.name ?? this.declined;
    this.save();
  }

  /** A reply came: if another checkpoint wrote it than was thought, the server is asked again. */
  replied(origin: Origin): void {
    const { answering } = this;
    if (!origin.run || !answering) return;
    if (origin.run !== answering.run || origin.step !== answering.step) void this.load();
  }

  /** The list of runs is there, or has changed. */
  attend(): void {
    const { list } = training;
    if (!list) return;
    if (!this.restored) this.restore(list.name, list.served_run);
    const chosen = this.run;
    if (chosen !== null && !this.row) {
      this.notice = `The run ${chosen} is no longer there. Another one replies.`;
      this.run = this.step = null;
    } else if (this.step !== null && !this.row?.checkpoints.includes(this.step)) {
      this.notice = `Checkpoint ${this.step} of ${chosen} is no longer there. The one in use of this run replies.`;
      this.step = null;
    }
    const { asking } = this;
    const underWay = asking !== null && asking.run === this.choice.run && asking.step === this.choice.step;
    if (this.told !== this.meaning && !underWay) void this.load();
  }

  /** The server is gone: one that comes back may be another one. */
  lose(): void {
    this.told = null;
  }

  /** Ask the server about the chosen model; without a choice, what it replies with is it now. */
  async load(): Promise<void> {
    const turn = ++this.asked;
    const { choice, meaning } = this;
    this.asking = choice;
    this.problem = ''; // of what was asked before: reading a model may take a while
    try {
      const found = await fetchHealth(choice, AbortSignal.timeout(PATIENCE_MS));
      if (turn !== this.asked) return; // another one was chosen meanwhile
      settings.defaults = found.defaults;
      if (!found.ok && this.run !== null) {
        // Whatever is wrong with it, another one may do.
        this.notice = found.error ?? '';
        this.run = this.step = null;
        return await this.load();
      }
      this.problem = found.ok ? '' : (found.error ?? 'There is no model yet.');
      this.health = found;
      this.told = meaning;
      if (this.run === null && found.model) {
        this.keep(found.model.run);
        this.told = this.meaning;
      }
    } catch (error) {
      if (turn !== this.asked || this.health?.ok) return; // the chat shows it when it is used
      this.problem = sentenceFor(error);
    } finally {
      if (turn === this.asked) this.asking = null;
    }
  }

  private keep(run: string): void {
    this.run = run;
    // What was there before needs no offer.
    this.declined = this.rows.find((row) => row.group === null)?.name ?? null;
    if (training.list?.served_run == null) this.save();
  }

  private restore(workspace: string, served: string | null): void {
    this.restored = true;
    if (served !== null || this.run !== null) return; // the command says which, or the address did
    const kept = settings.models[workspace];
    if (!kept) return;
    this.run = kept.run;
    this.step = kept.step;
    this.declined = kept.declined;
  }

  private save(): void {
    const workspace = training.list?.name;
    if (workspace === undefined || this.run === null) return;
    const { run, step, declined } = this;
    settings.models = { ...settings.models, [workspace]: { run, step, declined } };
  }
}

export const models = new Models();
