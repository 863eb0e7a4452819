import { expect, it } from 'vitest';
import { Loaded } from './loaded.svelte';

const turn = (): Promise<void> => new Promise((done) => setTimeout(done));

it('asks what was answered once, what failed again', async () => {
  const loaded = new Loaded<string>();
  let asked = 0;
  const answer = (): Promise<string> => Promise.resolve(`answer ${++asked}`);
  loaded.want('a', () => Promise.reject(new Error('gone')));
  await turn();
  expect(loaded.value).toBeNull();
  expect(loaded.problem).not.toBe('');
  loaded.want('a', answer);
  await turn();
  expect([loaded.value, loaded.problem]).toEqual(['answer 1', '']);
  loaded.want('a', answer);
  await turn();
  expect(loaded.value).toBe('answer 1');
  loaded.want('b', answer);
  expect(loaded.value).toBe('answer 1');
  await turn();
  expect(loaded.value).toBe('answer 2');
});
