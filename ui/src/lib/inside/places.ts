/** The panels of Inside and their addresses: `#/inside/attention?run=demo&step=248`. */

export const PANELS = [
  'pieces', 'pairs', 'attention', 'heads', 'neurons', 'next', 'surprise', 'steps', 'ladder',
] as const;
export type Panel = (typeof PANELS)[number];

export const PANEL_NAMES: Record<Panel, string> = {
  pieces: 'Pieces',
  pairs: 'Pairs',
  attention: 'Attention',
  heads: 'Heads',
  neurons: 'Neurons',
  next: 'Next piece',
  surprise: 'Surprise',
  steps: 'Step by step',
  ladder: 'Ladder',
};

export interface Place {
  panel: Panel;
  run: string | null;
  step: number | null;
}

/** What an address names; what it does not name is null. */
export function readPlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const wanted = path.split('/')[1];
  const fields = new URLSearchParams(query);
  const step = fields.get('step');
  return {
    panel: PANELS.find((one) => one === wanted) ?? 'pieces',
    run: fields.get('run'),
    step: step !== null && /^\d{1,9}$/.test(step) ? Number(step) : null,
  };
}

export function writePlace({ panel, run, step }: Place): string {
  const fields = new URLSearchParams();
  if (run !== null) fields.set('run', run);
  if (step !== null) fields.set('step', String(step));
  const query = fields.toString();
  return `#/inside/${panel}${query ? `?${query}` : ''}`;
}

/** Of some steps the nearest to a wanted one; the earlier of two. */
export function nearestStep(steps: readonly number[], wanted: number): number | null {
  let best: number | null = null;
  for (const step of steps) {
    if (best === null || Math.abs(step - wanted) < Math.abs(best - wanted)) best = step;
  }
  return best;
}
