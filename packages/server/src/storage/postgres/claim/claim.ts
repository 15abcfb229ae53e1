import type { Millis } from '@ojs-ts/core';
import { ByteBudget, queueLimitKey, sizeOf } from '@ojs-ts/core/job';
import { isShort, sideWork } from '@ojs-ts/core/lifecycle';
import { integer, text } from '../../cells.ts';
import type { Claim, Claimed } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { Changes } from '../jobs/changes.ts';
import { LimitGroups } from '../limits/limit-groups.ts';
import { isPassedOver, promote, untilPromoted } from '../upkeep/promote.ts';
import { ClaimBatch, ClaimRun, runsOf } from './claim-batch.ts';
import { claimLimited } from './claim-limited.ts';
import { claimUnlimited } from './claim-unlimited.ts';
import { type Answers, type ClaimHints, limitedQueues, type Opening, open, type ReadAhead } from './opening.ts';
import type { QueueHeads } from './queue-head.ts';
import { claimAtOnce } from './whole-claim.ts';

const selectAvailable = `SELECT queue, sum(available) FROM ojs.counts WHERE queue = ANY ($1::text[])
  GROUP BY queue HAVING sum(available) > 0`;

/** The values that the runs of a call share. */
interface Serving {
  readonly batch: ClaimBatch;
  readonly opening: Opening;
  readonly heads: QueueHeads;
  /** The limited queues among those of the claims. */
  readonly limited: ReadonlySet<string>;
  /** Null if no queue is limited. */
  readonly groups: LimitGroups | null;
  /** For the first queue that is served only. */
  readAhead: ReadAhead | null;
}

const nothing: Claimed = { jobs: [], again: null };
const deferred: Claimed = { ...nothing, deferred: true };

/** Claims that get nothing while others are promoting due jobs wait for that promotion, and are tried once more. */
export async function claimJobs(
  database: Database,
  claims: readonly Claim[],
  now: Millis,
  hints: ClaimHints,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<readonly Claimed[]> {
  const transact = (those: readonly Claim[], bytes: number) =>
    database.transact(now, (tx) => claim(tx, those, now, hints, bytes));
  const { full } = hints;
  const atOnce = async (): Promise<Answers> => {
    const answers = await claimAtOnce(database, claims, now, hints, maxBytes);
    return answers ? { answers, isFull: false, passedOver: false } : transact(claims, maxBytes);
  };
  const first = await tracked(hints, atOnce());
  const answers = await behindOthers(first.answers, claims, hints, first.isFull ? full + 1 : full);
  const { passedOver } = first;
  if (!passedOver) return answers;
  const empty = claims.filter((claim, at) => gotNothing(answers[at] ?? nothing, claim));
  await untilPromoted(
    database,
    now,
    empty.reduce((sum, { limit }) => sum + limit, 0),
    hints.edges.at(now),
  );
  const left = answers.flatMap(({ jobs }) => jobs).reduce((bytes, job) => bytes - sizeOf(job), maxBytes);
  const again = await tracked(hints, transact(empty, Math.max(0, left)));
  const found = new Map(empty.map((claim, at) => [claim, again.answers[at] ?? nothing]));
  return claims.map((claim, at) => found.get(claim) ?? answers[at] ?? nothing);
}

async function tracked(hints: ClaimHints, work: Promise<Answers>): Promise<Answers> {
  hints.underWay.add(work);
  try {
    const answers = await work;
    if (answers.isFull) hints.full += 1;
    return answers;
  } finally {
    hints.underWay.delete(work);
  }
}

/** Claims that got nothing while another call had locked jobs that then did not fit into it: they are tried again. */
async function behindOthers(
  answers: readonly Claimed[],
  claims: readonly Claim[],
  hints: ClaimHints,
  full: number,
): Promise<readonly Claimed[]> {
  if (!answers.some((answer, at) => gotNothing(answer, claims[at]))) return answers;
  if (hints.full === full) await Promise.allSettled(hints.underWay);
  if (hints.full === full) return answers;
  return answers.map((answer, at) => (gotNothing(answer, claims[at]) ? { ...answer, deferred: true } : answer));
}

async function claim(
  tx: Transaction,
  claims: readonly Claim[],
  asked: Millis,
  hints: ClaimHints,
  maxBytes: number,
): Promise<Answers> {
  const opening = await open(tx, claims, asked, hints);
  const { now, isDue, requests } = opening;
  tx.now = now;
  const bounds = sideWork(claims);
  const changes = new Changes(tx, now);
  const promotes = isDue && (await isShortOf(tx, claims, opening.queues));
  if (promotes) await promote(tx, changes, now, bounds.promoted, hints.edges.at(now));
  const limited = limitedQueues(tx, opening, hints);
  const groups = limited.size === 0 ? null : await openGroups(tx, now, [...limited]);
  const bytes = new ByteBudget(maxBytes);
  const batch = new ClaimBatch(tx, changes, now, bounds.expired, bytes);
  const serving: Serving = { batch, opening, heads: hints.heads, limited, groups, readAhead: opening.readAhead };
  const answers: Claimed[] = [];
  for (const run of runsOf(claims, requests)) {
    if (bytes.isFull) answers.push(...(run instanceof ClaimRun ? run.served : [run]).map(() => deferred));
    else if (run instanceof ClaimRun) answers.push(...(await serve(serving, run)));
    else {
      const repeated = await requests.repeat(tx, run.repeat);
      for (const job of repeated.jobs) bytes.add(sizeOf(job));
      answers.push(repeated);
    }
  }
  requests.write(tx, now);
  changes.write();
  await changes.close();
  const passedOver =
    promotes &&
    answers.some((answer, at) => gotNothing(answer, claims[at])) &&
    (await isPassedOver(tx, now, hints.edges.at(now)));
  return { answers, isFull: bytes.isFull, passedOver };
}

async function isShortOf(tx: Transaction, claims: readonly Claim[], queues: readonly string[]): Promise<boolean> {
  const rows = await tx.query(selectAvailable, [texts(queues) ?? '{}']);
  const available = new Map(rows.map(([queue, count]) => [text(queue), integer(count)]));
  return isShort(claims, (queue) => available.get(queue) ?? 0);
}

function gotNothing({ jobs, deferred }: Claimed, claim: Claim | undefined): boolean {
  return jobs.length === 0 && !deferred && claim !== undefined && claim.limit > 0;
}

async function openGroups(tx: Transaction, now: Millis, queues: readonly string[]): Promise<LimitGroups> {
  const groups = await LimitGroups.open(tx, now, queues);
  await groups.loadQueues(queues);
  groups.openDue(queues);
  return groups;
}

/** Serves the claims of a run from their queues, in the order of the queues. */
async function serve(serving: Serving, run: ClaimRun): Promise<readonly Claimed[]> {
  const { batch, opening, heads, limited, groups } = serving;
  const { tx, now } = batch;
  const queues = run.queues.filter((queue) => !opening.paused.has(queue));
  for (const queue of queues) {
    if (run.wanted === 0 || batch.bytes.isFull) break;
    const { readAhead } = serving;
    serving.readAhead = null;
    if (groups && limited.has(queue)) await claimLimited(batch, run, groups, queue);
    else await claimUnlimited(batch, run, heads, queue, readAhead?.queue === queue ? readAhead.rows : null);
  }
  const again =
    groups && run.wanted > 0
      ? await nextStart(
          tx,
          groups,
          queues.filter((queue) => limited.has(queue)),
          now,
        )
      : null;
  const whole = (await batch.whole(run.served.flatMap(({ jobs }) => jobs))).values();
  return run.served.map(({ claim, jobs }) => {
    opening.requests.note(claim, jobs);
    if (jobs.length === 0 && claim.limit > 0 && batch.bytes.isFull) return deferred;
    return { jobs: [...whole.take(jobs.length)], again: jobs.length < claim.limit ? again : null };
  });
}

/**
 * For claims that got less than they asked for: when a rate that holds back jobs of these queues allows the next start.
 */
async function nextStart(
  tx: Transaction,
  groups: LimitGroups,
  queues: readonly string[],
  now: Millis,
): Promise<Millis | null> {
  // Waiting claims continue where this call stops merging deltas.
  for (const queue of queues) if (groups.isBehind(queue)) tx.woken.add(queue);
  if (queues.length === 0) return null;
  const { limits } = groups;
  const whole = queues.filter((queue) => limits.reopensAt(queueLimitKey(queue), now) !== null);
  limits.flush();
  let first = (await groups.nextReopening(queues)) ?? Number.POSITIVE_INFINITY;
  if (whole.length > 0) {
    tx.flush();
    for (const [queue] of await tx.query(selectAvailable, [texts(whole)])) {
      first = Math.min(first, limits.reopensAt(queueLimitKey(text(queue)), now) ?? first);
    }
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}
