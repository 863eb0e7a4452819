/** What the workspace's corpus holds, asked for when it may have changed. */
import { fetchCorpus, fetchStatistics } from '../api/imports';
import type { CorpusSource, CorpusStatistics } from '../api/types';
import { sentenceFor } from './chats.svelte';

class Corpus {
  sources = $state.raw<CorpusSource[] | null>(null);
  statistics = $state.raw<CorpusStatistics | null>(null);
  /** The numbers take longer than the list. */
  counting = $state(false);
  problem = $state('');
  /** It was asked what there is, and there was an answer, or none can be had. */
  looked = $state(false);
  private asked = 0;

  /** Known to hold nothing that could be learned. */
  get isEmpty(): boolean {
    return this.sources?.length === 0;
  }

  /** Only what there is, without its numbers; where that cannot be had, it stays unknown. */
  async look(): Promise<void> {
    const turn = ++this.asked;
    try {
      const found = await fetchCorpus();
      if (turn === this.asked) this.sources = found;
    } catch {
      // The Training view's list says that the server is gone.
    }
    this.looked = true;
  }

  async refresh(): Promise<void> {
    const turn = ++this.asked;
    try {
      const found = await fetchCorpus();
      if (turn !== this.asked) return; // a later question was asked meanwhile
      this.sources = found;
      this.problem = '';
      this.counting = found.length > 0;
      const statistics = found.length > 0 ? await fetchStatistics() : null;
      if (turn === this.asked) this.statistics = statistics;
    } catch (error) {
      if (turn === this.asked) this.problem = sentenceFor(error);
    }
    if (turn === this.asked) this.counting = false;
  }
}

export const corpus = new Corpus();
