import { describe, expect, it } from 'vitest';
import type { Phase, Sample } from './api/types';
import { grouped, withSample } from './samples';

const sample = (phase: Phase, step: number, prompt: string, text = 'x'): Sample =>
  ({ phase, step, prompt, text, asked: true }) as Sample;

const DRAWN = [
  sample('train', 66, 'one?'), sample('train', 66, 'two?'),
  sample('finetune', 66, 'one?'), sample('finetune', 69, 'one?'),
];

describe('samples', () => {
  it('that are sent again take their old place', () => {
    const again = withSample(DRAWN, sample('train', 66, 'one?', 'y'));
    expect(again.map(({ text }) => text)).toEqual(['y', 'x', 'x', 'x']);
    expect(withSample(DRAWN, sample('finetune', 69, 'two?')).length).toBe(5);
  });

  it('are grouped by checkpoint, each once, the newest first', () => {
    const mixed = [...DRAWN.slice(1), DRAWN[0]!];
    expect(grouped(mixed).map(({ key }) => key)).toEqual(['finetune 69', 'finetune 66', 'train 66']);
    expect(grouped(mixed)[2]!.samples.map(({ prompt }) => prompt)).toEqual(['two?', 'one?']);
  });
});
