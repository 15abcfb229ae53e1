import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withBug } from '../../../bugs/src/environment.ts';

const root = resolve(import.meta.dirname, '../../../..');

export type RecordedFile = 'database' | 'wal' | 'history';
export type Recorded =
  | { readonly type: 'write'; readonly file: RecordedFile; readonly offset: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly file: RecordedFile; readonly offset: number }
  | { readonly type: 'begun' | 'done'; readonly file: RecordedFile; readonly sync: number };

const files: readonly (RecordedFile | null)[] = [null, 'database', 'wal', 'history'];
const headBytes = 24;

/**
 * Runs a load on a SQLite file under the recorder.
 * @param directory of its own, for the file, the record and the compiled recorder
 * @param bug to plant into the process: one of `lab/bugs`
 * @throws Error where there is no C compiler, or the load ends badly
 */
export function recordLoad(
  directory: string,
  { pieces, seed, bug = null }: { readonly pieces: number; readonly seed: number; readonly bug?: string | null },
): readonly Recorded[] {
  const shim = join(directory, 'shim.so');
  const record = join(directory, 'record');
  const file = join(directory, 'jobs.db');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', shim, join(import.meta.dirname, 'shim.c'), '-ldl', '-lpthread']);
  const hook = bug === null ? [] : ['--import', resolve(root, 'lab/bugs/src/hook.ts')];
  execFileSync(
    process.execPath,
    [...hook, join(import.meta.dirname, 'load.child.ts'), file, String(pieces), String(seed)],
    {
      cwd: root,
      env: {
        ...withBug(bug && `power/${bug}`),
        LD_PRELOAD: shim,
        POWER_DATABASE: file,
        POWER_RECORD: record,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return readRecord(readFileSync(record));
}

function readRecord(bytes: Buffer): readonly Recorded[] {
  const records: Recorded[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [type, file] = [bytes.readUInt32LE(at), files[bytes.readUInt32LE(at + 4)]];
    const offset = Number(bytes.readBigUInt64LE(at + 8));
    const length = bytes.readUInt32LE(at + 16);
    at += headBytes;
    if (file === null || file === undefined) throw new Error(`The record is of no known file before byte ${at}.`);
    if (type === 1) records.push({ type: 'write', file, offset, data: bytes.subarray(at, at + length) });
    else if (type === 2) records.push({ type: 'truncate', file, offset });
    else records.push({ type: type === 3 ? 'begun' : 'done', file, sync: offset });
    if (type === 1) at += length;
  }
  return records;
}
