import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UNREACHABLE } from '../api/client';
import type { ImportNow } from '../api/types';
import { imports } from './imports.svelte';

const NOW: ImportNow = {
  id: 'one', state: 'sending', name: 'a.md', share: null, seconds_left: null, messages: 0,
  waiting: false, found: [], added: [], error: null, takes: [],
  said: { source: null, encoding: null, me: [] }, readings: 0,
};
const FILE = { path: 'a.md', file: new File(['words'], 'a.md') };

type Answer = (path: string, options: RequestInit) => Response | Promise<Response>;
let asked: string[] = [];

function serve(answer: Answer): void {
  vi.stubGlobal('fetch', async (path: string, options: RequestInit) => {
    asked.push(`${options.method} ${path.replace('./api/imports', '')}`);
    return answer(path, options);
  });
}

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  asked = [];
  imports.now = null;
  imports.refusal = '';
});
afterEach(() => vi.unstubAllGlobals());

it('announces files and then sends their bytes', async () => {
  let body: unknown;
  serve((_, { method, body: sent }) => {
    if (method === 'POST') body = JSON.parse(sent as string);
    return json({ ...NOW, state: method === 'PUT' ? 'reading' : 'sending' });
  });
  await imports.send([FILE]);
  expect(body).toEqual({ files: [{ path: 'a.md', size: 5 }] });
  expect(asked).toEqual(['POST ', 'PUT /one/files']);
  expect(imports.now?.state).toBe('reading');
});

it('adds once, however often it is asked', async () => {
  imports.now = { ...NOW, state: 'asking' };
  serve(() => json({ ...NOW, state: 'adding' }, 202));
  await Promise.all([imports.confirm({}, false), imports.confirm({}, false)]);
  expect(asked).toEqual(['POST /one/confirm']);
});

it('does not go back to what an answer says that came late', async () => {
  imports.now = { ...NOW, state: 'asking' };
  const before = imports.added;
  serve(() => {
    imports.now = { ...NOW, state: 'done' };
    return json({ ...NOW, state: 'adding' }, 202);
  });
  await imports.confirm({}, false);
  expect(imports.now?.state).toBe('done');
  expect(imports.added).toBe(before);
});

it('says that files could not be read, and ends the import', async () => {
  serve((_, { method }) => {
    if (method === 'PUT') throw new TypeError('Failed to fetch');
    return method === 'GET' ? json({ now: NOW }) : method === 'DELETE' ? new Response(null, { status: 204 }) : json(NOW);
  });
  await imports.send([FILE]);
  expect(imports.refusal).toContain('could not be read to their end');
  expect(asked).toContain('DELETE /one');
});

it('says that the server is gone where it is', async () => {
  serve((_, { method }) => {
    if (method !== 'POST') throw new TypeError('Failed to fetch');
    return json(NOW);
  });
  await imports.send([FILE]);
  expect(imports.refusal).toBe(UNREACHABLE);
});

it('shows why an import failed once, not twice', async () => {
  const failed = { ...NOW, state: 'failed', error: 'More was sent than was announced.' };
  serve((_, { method }) =>
    method === 'GET' ? json({ now: failed }) : method === 'PUT' ? json({ error: failed.error }, 409) : json(NOW));
  await imports.send([FILE]);
  expect(imports.now?.error).toBe(failed.error);
  expect(imports.refusal).toBe('');
});

it('says that an empty folder is empty', async () => {
  serve(() => json(NOW));
  await imports.send([]);
  expect([imports.refusal, asked]).toEqual(['There are no files in it.', []]);
});
