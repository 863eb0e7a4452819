/** The samples that a training draws: kept in order, and grouped by checkpoint. */
import type { Phase, Sample } from './api/types';

/** The samples of one checkpoint. */
export interface SampleGroup {
  key: string;
  step: number;
  phase: Phase;
  samples: Sample[];
}

/** The samples with one more; one that is sent again takes its old place. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const at = samples.findIndex(
    (other) => other.step === sample.step && other.phase === sample.phase && other.prompt === sample.prompt,
  );
  return at < 0 ? [...samples, sample] : samples.with(at, sample);
}

/** By checkpoint, the newest first; each checkpoint once, in whatever order its samples came. */
export function grouped(samples: readonly Sample[]): SampleGroup[] {
  const found = new Map<string, SampleGroup>();
  for (const sample of samples) {
    const { step, phase } = sample;
    const key = `${phase} ${step}`;
    const group = found.get(key) ?? { key, step, phase, samples: [] };
    group.samples.push(sample);
    found.set(key, group);
  }
  return [...found.values()].reverse();
}
