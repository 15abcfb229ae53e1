import { bytesText, type StoreFinding } from '../diagnosis.ts';

/** The share of maxmemory beyond which a burst of jobs fills the server. */
const mostMemory = 0.9;

/**
 * Lists problems of a server of Redis that an operator should know.
 * @param info the answer of INFO.
 */
export function findingsIn(name: string, info: string): readonly StoreFinding[] {
  const fields = new Map(
    info.split(/\r?\n/).map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1)]),
  );
  const value = (field: string) => fields.get(field) ?? '';
  const count = (field: string) => Number(value(field) || 0);
  const findings: StoreFinding[] = [];
  // A server without any save has never been asked for one; one with saves has a time of the last.
  if (value('aof_enabled') === '0')
    findings.push({
      code: 'no_persistence',
      severity: 'warning',
      message:
        `${name} keeps no append-only file: a restart loses all jobs since its last snapshot, or all jobs if it ` +
        'takes no snapshots.',
      remedy: 'CONFIG SET appendonly yes; CONFIG SET appendfsync everysec (or always); CONFIG REWRITE',
    });
  for (const field of ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'])
    if (value(field) !== '' && value(field) !== 'ok')
      findings.push({
        code: 'write_failed',
        severity: 'error',
        message: `${name} could not write to its disk (${field} is ${value(field)}).`,
        remedy: 'Free space on the disk of Redis, and read its log. BGSAVE tries again.',
      });
  const [used, most] = [count('used_memory'), count('maxmemory')];
  if (most > 0 && used > most * mostMemory)
    findings.push({
      code: 'memory_low',
      severity: used > most * 0.98 ? 'error' : 'warning',
      message: `${name} uses ${bytesText(used)} of its maxmemory, ${bytesText(most)}; at the limit it refuses new jobs.`,
      remedy:
        `CONFIG SET maxmemory ${2 * most}, or keep finished jobs for a shorter time (ojs serve --retain-completed). ` +
        '`ojs storage report` lists the largest queues and types.',
    });
  if (value('role') === 'slave')
    findings.push({
      code: 'behind_replica',
      severity: 'error',
      message: `${name} is a replica, which refuses writes.`,
      remedy: 'Put the primary, the sentinels or the cluster in the URL of the storage (OJS_STORAGE).',
    });
  return findings;
}
