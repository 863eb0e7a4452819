/**
 * Files that a person chose or dropped, with their paths: folders are gone through.
 *
 * Knows: the ways in which browsers hand over files. Does not know what happens to them.
 */

export interface Picked {
  /** The file's name; in a folder the path that begins with the folder's name. */
  path: string;
  file: File;
}

/** What is handed over while something is dropped. It must be taken at once: later it is empty. */
export type Dropped = FileSystemEntry | File;

const FURNITURE = new Set(['__MACOSX', 'node_modules', '__pycache__']);

/** Whether a path is a system's own: hidden files, and what tools and systems put beside files. */
export const isFurniture = (path: string): boolean =>
  path.split('/').some((part) => part.startsWith('.') || FURNITURE.has(part));

/** What a person named itself is no furniture, whatever it is called; what lies in a folder may be. */
const isMeant = ({ path }: Picked): boolean => !path.includes('/') || !isFurniture(path);

/** The files of an input, or of a folder that was chosen in one. */
export function fromInput(files: Iterable<File>): Picked[] {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(isMeant);
}

/** What a drop holds, taken while it happens. */
export function take(transfer: DataTransfer): Dropped[] {
  return [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => item.webkitGetAsEntry() ?? item.getAsFile())
    .filter((dropped) => dropped !== null);
}

/** All files of what was dropped. Rejects where one cannot be looked at. */
export async function fromDrop(dropped: readonly Dropped[]): Promise<Picked[]> {
  const found: Picked[] = [];
  for (const one of dropped) {
    if (one instanceof File) found.push({ path: one.name, file: one });
    else await collect(one, one.name, found);
  }
  return found.filter(isMeant);
}

async function collect(entry: FileSystemEntry, path: string, found: Picked[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path, file });
    return;
  }
  if (isFurniture(path)) return;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A browser gives some at a time, and none when that was all.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const inner of some) await collect(inner, `${path}/${inner.name}`, found);
  }
}
