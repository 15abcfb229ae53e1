import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Case, parseCase } from './case.ts';

/** A file that is not a case. It counts as a failed case. */
export interface BrokenCase {
  readonly file: string;
  readonly error: string;
}

export interface Suite {
  readonly cases: readonly Case[];
  readonly broken: readonly BrokenCase[];
}

/** Reads every `*.json` under a folder, in the order of their paths. Throws if the folder cannot be read. */
export async function loadSuite(folder: string): Promise<Suite> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).toSorted();
  const cases: Case[] = [];
  const broken: BrokenCase[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const file = relative(process.cwd(), path);
    try {
      cases.push(parseCase(file, await readFile(path, 'utf8')));
    } catch (error) {
      broken.push({ file, error: error instanceof Error ? error.message : String(error) });
    }
  }
  return { cases, broken };
}
