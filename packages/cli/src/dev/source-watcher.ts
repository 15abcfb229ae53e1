import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** Editors write a file in steps. Milliseconds without a change before one counts. */
const quietMs = 100;
const sources = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']);

/**
 * Reports when a file changes that a worker has imported. Other files beside it, such as a database that the worker
 * writes, are ignored. Folders are watched, because an editor may replace a file by another one of its name.
 */
export class SourceWatcher implements Disposable {
  readonly #changed: (file: string) => void;
  /** Files and when they were last written; null for one that does not exist. */
  readonly #files = new Map<string, number | null>();
  readonly #folders = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | null = null;
  /** True if a source file beside the imported ones counts too: one that was missing may appear. */
  widely = false;

  constructor(changed: (file: string) => void) {
    this.#changed = changed;
  }

  add(file: string): void {
    if (this.#files.has(file)) return;
    this.#files.set(file, writtenAt(file));
    const folder = dirname(file);
    if (this.#folders.has(folder) || writtenAt(folder) === null) return;
    const watcher = watch(folder, (_, name) => {
      if (name !== null) this.#look(join(folder, name));
    });
    // The folder was removed.
    watcher.on('error', () => watcher.close());
    this.#folders.set(folder, watcher);
  }

  #look(file: string): void {
    const before = this.#files.get(file);
    if (before === undefined && !(this.widely && sources.has(extname(basename(file))))) return;
    const now = writtenAt(file);
    // A read of a file, and some systems for no reason, report a change that is none.
    if (now === before) return;
    if (before !== undefined) this.#files.set(file, now);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changed(file), quietMs);
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }
}

function writtenAt(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}
