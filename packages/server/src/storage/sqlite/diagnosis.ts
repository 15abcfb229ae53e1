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
      message: `The disk of ${file} has ${bytesText(free)} left; the file has ${bytesText(size)}.`,
      remedy: 'Free some disk, or keep finished jobs for a shorter time (--retain-completed).',
    });
  if (log > largeLog)
    findings.push({
      code: 'large_log',
      severity: 'warning',
      message: `The log ${file}-wal has ${bytesText(log)}: some process reads the file in one long transaction.`,
      remedy: 'End the process that holds the file open, such as a backup tool or a shell of sqlite3.',
    });
  if (synchronous !== 'FULL')
    findings.push({
      code: 'unsafe_sync',
      severity: 'warning',
      message: `The file is written with synchronous=${synchronous}: a loss of power loses the newest commits.`,
      remedy: 'Open it without ?synchronous, which is FULL.',
    });
  return findings;
}
