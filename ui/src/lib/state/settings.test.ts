import { beforeEach, describe, expect, it } from 'vitest';
import { restore, settings } from './settings.svelte';

const WORKSPACE = { temperature: 0.9, top_k: 40, top_p: 1, max_tokens: 60, memory: 0.7, best_of: 4 };

describe('sampling', () => {
  beforeEach(() => {
    settings.defaults = WORKSPACE;
    settings.seed = '';
  });

  it('begins with the defaults of the workspace, without a seed', () => {
    expect(settings.sampling).toEqual(WORKSPACE);
  });

  it('follows what was moved, and the workspace again where it is moved back', () => {
    settings.change('temperature', 0.2);
    expect(settings.sampling).toEqual({ ...WORKSPACE, temperature: 0.2 });
    settings.change('temperature', 0.9);
    settings.defaults = { ...WORKSPACE, temperature: 0.7 };
    expect(settings.value('temperature')).toBe(0.7);
  });

  it('asks for the bare model where the memory is moved to 0, and keeps that', () => {
    settings.change('memory', 0);
    expect(settings.sampling.memory).toBe(0);
    settings.change('memory', 0.7);
    expect(settings.sampling).toEqual(WORKSPACE);
    expect(restore('{"changed": {"memory": 0}}').changed).toEqual({ memory: 0 });
    expect(restore('{"changed": {"memory": 1.2}}').changed).toEqual({});
  });

  it('goes back to what the server says, all at once', () => {
    settings.change('top_k', 3);
    settings.seed = '4';
    expect(settings.isChanged).toBe(true);
    settings.reset();
    expect(settings.sampling).toEqual(WORKSPACE);
    expect(settings.isChanged).toBe(false);
  });

  it('has a seed where one was typed, digit for digit', () => {
    settings.seed = '9007199254740993';
    expect(settings.sampling.seed).toBe('9007199254740993');
  });
});

describe('restore', () => {
  it('takes what was changed, within its range', () => {
    const kept = { changed: { temperature: 0.5, top_k: -1, best_of: '4', other: 3 }, theme: 'dark' };
    expect(restore(JSON.stringify(kept))).toEqual({
      changed: { temperature: 0.5 }, theme: 'dark', models: {},
    });
  });

  it('takes the model of each workspace, as far as it names one', () => {
    const models = { mine: { run: 'modern-1', step: 'x' }, other: { step: 3 }, odd: 7 };
    expect(restore(JSON.stringify({ changed: {}, models })).models).toEqual({
      mine: { run: 'modern-1', step: null, declined: null },
    });
  });

  it('of an earlier page, which kept every slider, takes only those that were moved', () => {
    const old = { temperature: 0.5, topK: 7, topP: 1, maxTokens: 180, drafts: 1, theme: 'light' };
    expect(restore(JSON.stringify(old))).toEqual({
      changed: { top_k: 7, best_of: 1 },
      theme: 'light',
      models: {},
    });
  });

  it.each([null, '', 'nonsense', 'null', '7', '[]', '{"changed": null}'])('begins anew with %j', (text) =>
    expect(restore(text)).toEqual({ changed: {}, theme: 'auto', models: {} }));
});
