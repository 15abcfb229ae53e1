import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStorage } from '../../../../packages/server/src/storage/open.ts';
import { check, read, type Violation } from '../../../checker/src/index.ts';
import { recordEnd } from '../../../simulation/src/history/final.ts';
import { now } from '../history-file.ts';
import { Chance } from '../random.ts';
import { DiskFile } from './disk.ts';
import type { Recorded } from './recording.ts';

export interface Replayed {
  readonly losses: number;
  /** Losses of power after which something was wrong, with what it was. */
  readonly failed: readonly { readonly at: number; readonly errors: readonly string[] }[];
  /** Acknowledged jobs that were looked for, over all losses. */
  readonly judged: number;
  readonly lostBytes: number;
}

/**
 * Plays up to `losses` losses of power at moments drawn by seed; opens the store after each, and has its history judged.
 * @param untilFailure ends with the first loss after which something is wrong. Default: false.
 */
export async function replay(
  records: readonly Recorded[],
  {
    losses,
    seed,
    untilFailure = false,
  }: { readonly losses: number; readonly seed: number; readonly untilFailure?: boolean },
): Promise<Replayed> {
  const chance = new Chance(seed);
  const first = records.findIndex(({ file }) => file === 'history');
  const failed: { at: number; errors: readonly string[] }[] = [];
  let judged = 0;
  let lostBytes = 0;
  let played = 0;
  for (; played < losses && !(untilFailure && failed.length > 0); played++) {
    const at = first + chance.below(records.length - first);
    const files = { database: new DiskFile(), wal: new DiskFile() };
    let history = '';
    for (const record of records.slice(0, at)) {
      if (record.file !== 'history') files[record.file].add(record);
      else if (record.type === 'write') history += record.data.toString();
    }
    lostBytes += files.database.fail(chance) + files.wal.fail(chance);
    const { errors, jobs } = await examine(files.database.contents, files.wal.contents, history);
    judged += jobs;
    if (errors.length > 0) failed.push({ at, errors });
  }
  return { losses: played, failed, judged, lostBytes };
}

async function examine(database: Buffer, wal: Buffer, history: string): Promise<{ errors: string[]; jobs: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-power-'));
  const file = join(directory, 'jobs.db');
  try {
    writeFileSync(file, database);
    writeFileSync(`${file}-wal`, wal);
    const damage = integrity(file);
    if (damage !== null) return { errors: [damage], jobs: 0 };
    const lines = history.split('\n').filter((line) => line.endsWith('}'));
    {
      await using storage = await openStorage(`sqlite:${file}`);
      const add = (kind: string, members: object) => lines.push(JSON.stringify({ at: now(), kind, ...members }));
      await recordEnd(storage, { add, timeIsRightAt: 0 });
    }
    const { violations, judged } = check(read(lines));
    return { errors: violations.map(textOf), jobs: judged.loss };
  } catch (error) {
    return { errors: [String(error)], jobs: 0 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What SQLite finds damaged; reading the file brings in its WAL. */
function integrity(file: string): string | null {
  const database = new DatabaseSync(file);
  const found = database.prepare('PRAGMA integrity_check').get()?.integrity_check;
  database.close();
  return found === 'ok' ? null : `damaged: ${String(found)}`;
}

function textOf({ rule, job, message }: Violation): string {
  return `${rule}${job ? ` ${job}` : ''}: ${message}`;
}
