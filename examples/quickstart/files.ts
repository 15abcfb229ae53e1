import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Measure {
  readonly size: number;
  /** Line breaks, as `wc -l` counts. */
  readonly lines: number;
  /** Runs of non-white space, as `wc -w` counts. */
  readonly words: number;
  readonly sha256: string;
}

const skipped = new Set(['node_modules', '.git', 'dist', 'coverage', '.tmp']);

/** Every regular file below a folder, sorted, without generated folders such as `node_modules`. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !skipped.has(entry.name) && !/\.db(-shm|-wal)?$/.test(entry.name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : [],
    )
    .toSorted();
}

/** Reads a file and measures it. */
export function measure(path: string): Measure {
  const bytes = readFileSync(path);
  let lines = 0;
  let words = 0;
  let inWord = false;
  for (const byte of bytes) {
    const space = byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
    if (byte === 0x0a) lines++;
    if (!space && !inWord) words++;
    inWord = !space;
  }
  return { size: bytes.length, lines, words, sha256: createHash('sha256').update(bytes).digest('hex') };
}
