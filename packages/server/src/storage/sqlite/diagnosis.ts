import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesText, type StoreFinding } from '../diagnosis.ts';
import type { Synchronous } from './disk/connection.ts';

/** A store needs room for its own size while it is backed up or its log is moved into the file; and never less. */
const leastFree = 1_073_741_824;
/** The log is moved into the file from 4 MiB on. */
const largeLog = 268_435_456;

/** Lists problems of a database file that an operator should know. */
export function diagnose(file: string, synchronous: Synchronous): readonly StoreFinding[] {
  const { bavail, bsize } = statfsSync(dirname(file));
  const free = bavail * bsize;
  const size = existsSync(file) ? statSync(file).size : 0;
  const log = existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0;
  const findings: StoreFinding[] = [];
  if (free < Math.max(leastFree, size))
    findings.push({
      code: 'disk_low',
      severity: free < leastFree / 4 ? 'error' : 'warning',
      message: `The disk of ${file} has ${bytesText(free)} left, and the file has ${bytesText(size)}.`,
      remedy: 'Free space on the disk, or keep finished jobs for a shorter time (ojs serve --retain-completed).',
    });
  if (log > largeLog)
    findings.push({
      code: 'large_log',
      severity: 'warning',
      message: `The log ${file}-wal has ${bytesText(log)}: a process has been reading the file in one long transaction.`,
      remedy: `Find the process with lsof ${file} and end it: often a backup tool or a sqlite3 shell.`,
    });
  if (synchronous !== 'FULL')
    findings.push({
      code: 'unsafe_sync',
      severity: 'warning',
      message: `The file is written with synchronous=${synchronous}: a power failure loses the newest commits.`,
      remedy: 'Remove ?synchronous from the URL of the storage: the default, FULL, keeps every commit.',
    });
  return findings;
}
