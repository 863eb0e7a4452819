import { describe, expect, it } from 'vitest';
import { fromDrop, fromInput, isFurniture, take } from './picked';

const file = (name: string, path = ''): File =>
  Object.defineProperty(new File(['words'], name), 'webkitRelativePath', { value: path });

/** An entry as a browser hands it over, which gives what is in a folder two at a time. */
function entry(name: string, inside?: FileSystemEntry[]): FileSystemEntry {
  if (!inside) {
    return { name, isFile: true, file: (done: FileCallback) => done(file(name)) } as FileSystemFileEntry;
  }
  const createReader = (): unknown => {
    const rest = [...inside];
    return { readEntries: (done: FileSystemEntriesCallback) => done(rest.splice(0, 2)) };
  };
  return { name, isFile: false, createReader } as FileSystemDirectoryEntry;
}

describe('files that were chosen', () => {
  it('have the path in their folder, without what systems put there', () => {
    const chosen = [file('a.md', 'Notes/a.md'), file('.DS_Store', 'Notes/.DS_Store'), file('b.txt')];
    expect(fromInput(chosen).map(({ path }) => path)).toEqual(['Notes/a.md', 'b.txt']);
  });

  it('are what was meant, also where a name begins with a dot', async () => {
    expect(fromInput([file('.notes.txt')]).map(({ path }) => path)).toEqual(['.notes.txt']);
    expect((await fromDrop([entry('.notes.txt')])).map(({ path }) => path)).toEqual(['.notes.txt']);
  });
});

describe('what was dropped', () => {
  it('is gone through to the last file', async () => {
    const notes = entry('Notes', [
      entry('a.md'), entry('b.md'), entry('.git', [entry('config')]), entry('2024', [entry('c.md')]),
    ]);
    const found = await fromDrop([notes, file('loose.txt')]);
    expect(found.map(({ path }) => path)).toEqual(['Notes/a.md', 'Notes/b.md', 'Notes/2024/c.md', 'loose.txt']);
  });

  it('is taken as entries, else as files; text is neither', () => {
    const items = [
      { kind: 'file', webkitGetAsEntry: () => entry('Notes', []), getAsFile: () => null },
      { kind: 'file', webkitGetAsEntry: () => null, getAsFile: () => file('a.md') },
      { kind: 'string', webkitGetAsEntry: () => null, getAsFile: () => null },
    ];
    const taken = take({ items } as unknown as DataTransfer);
    expect(taken.map(({ name }) => name)).toEqual(['Notes', 'a.md']);
  });

  it('says where it cannot be looked at', async () => {
    const broken = {
      name: 'a', isFile: true, file: (_: FileCallback, fail: ErrorCallback) => fail(new DOMException()),
    } as FileSystemFileEntry;
    await expect(fromDrop([broken])).rejects.toBeInstanceOf(DOMException);
  });
});

it('knows what is a system’s own', () => {
  expect(['.DS_Store', 'a/.git/b', '__MACOSX/x', 'a/node_modules/b'].every(isFurniture)).toBe(true);
  expect(['a.md', 'a.b/c', 'MACOSX'].some(isFurniture)).toBe(false);
});
