import { markOf } from '../durable/marks.ts';
import { historyOf } from '../job/history.ts';
import type { HistoryEntry, JobRecord } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

/** How many workers may die while they run a job, until the job counts as the cause. */
export const defaultPoisonAfter = 3;

/** A process died with a job. These facts are shown with the job. */
export interface Death {
  /** How many other jobs the process held: one of those may be the cause. */
  readonly beside: number;
  readonly hostname?: string;
  readonly pid?: number;
}

/** The reason of an execution that goes back uncounted, because another job may have killed its worker. */
export const deathReason = 'worker_death';

/** For so long a suspect runs alone after its first death. A job that kills its process usually does so at once. */
const firstAloneMs: Millis = 30_000;
const longestAloneMs: Millis = 3_600_000;

interface Deaths {
  /** Deaths at which the job was the only one of its process. */
  readonly alone: number;
  readonly all: number;
  /** Their claims, the earliest first. */
  readonly claims: readonly number[];
}

type Holder = Pick<JobRecord, 'history' | 'policy'>;

/** Recorded steps forgive so many deaths of a job: a job that always kills its worker after a step is poison too. */
export const maxForgivenDeaths = 10;

/** The deaths since the last retry by hand that no recorded step has forgiven. */
export function deathsOf(job: Holder): Deaths {
  if (!job.history.includes(deathReason)) return { alone: 0, all: 0, claims: [] };
  const entries = historyOf(job);
  const forgiven = markOf(job)?.deathsUntil ?? 0;
  const round = entries
    .slice(entries.findLastIndex(({ kind }) => kind === 'retried') + 1)
    .filter((entry) => isDeath(entry) && claimOf(entry) > forgiven);
  const alone = round.filter(({ kind }) => kind === 'failed').length;
  return { alone, all: round.length, claims: round.map(claimOf) };
}

/**
 * Reports whether one more death alone proves that the job is the cause: `poisonAfter` deaths in all, two of them
 * alone. Anyone may kill a worker once.
 */
export function isPoison({ alone, all }: Pick<Deaths, 'alone' | 'all'>, poisonAfter: number): boolean {
  return all + 1 >= poisonAfter && alone + 1 >= Math.min(2, poisonAfter);
}

/**
 * For how long a suspect must run alone at its next start; 0 for a job that is no suspect. A suspect is a job whose
 * worker died in its last execution. Each death doubles the time, so a job that kills after an hour is found too.
 */
export function aloneMs(job: Holder): Millis {
  if (job.history === '' || !job.history.includes(deathReason)) return 0;
  // A job that was given back has proved nothing.
  const last = historyOf(job).findLast(
    (entry) => isDeath(entry) || entry.kind === 'failed' || entry.kind === 'retried',
  );
  if (last === undefined || !isDeath(last) || claimOf(last) <= (markOf(job)?.deathsUntil ?? 0)) return 0;
  return Math.min(longestAloneMs, firstAloneMs * 2 ** (deathsOf(job).all - 1));
}

export function isSuspect(job: Holder): boolean {
  return aloneMs(job) > 0;
}

function claimOf(entry: HistoryEntry): number {
  return 'claim' in entry ? entry.claim : 0;
}

export function isDeath(entry: HistoryEntry): boolean {
  if (entry.kind === 'requeued') return entry.reason === deathReason && entry.by === 'server';
  return entry.kind === 'failed' && entry.by === 'server' && entry.error.type === deathReason;
}
