import { ByteBudget, type Millis, queueLimitKey, State, sideWork, sizeOf } from '@ojs-ts/core';
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
import { type HeadRows, QueueHeads } from './queue-head.ts';
import { ClaimRequests } from './requests.ts';
import { claimAtOnce } from './whole-claim.ts';

/**
 * One statement reads everything that a claim depends on: the clock of the rates, whether jobs are due, which queues
 * are paused or limited. With OFFSET each EXISTS uses its index for each queue; without it a plan that was made on
 * empty tables reads the whole table, and is kept.
 */
const selectOpening = `SELECT last_start,
    EXISTS (SELECT FROM ojs.due WHERE state = ${State.scheduled} AND run_at <= greatest($2, last_start))
    OR EXISTS (SELECT FROM ojs.due WHERE state = ${State.retryable} AND run_at <= greatest($2, last_start)),
    ARRAY (SELECT name FROM ojs.queues WHERE name = ANY ($1::text[]) AND paused),
    ARRAY (SELECT queue FROM unnest($1::text[]) AS asked (queue)
    WHERE EXISTS (SELECT FROM ojs.limits WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.limit_changes WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.lane_changes WHERE lane_changes.queue = asked.queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.groups WHERE groups.queue = asked.queue AND until IS NULL OFFSET 0)
      OR EXISTS (SELECT FROM ojs.groups WHERE groups.queue = asked.queue AND until IS NOT NULL OFFSET 0))
  FROM ojs.store`;
const selectAvailable =
  'SELECT queue FROM ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue HAVING sum(available) > 0';

/** What a process remembers from claim to claim: hints about what to read first, never about what to decide. */
export class ClaimHints {
  /** Queues that had limit groups or a limit of their own when a claim last looked. */
  readonly limited = new Set<string>();
  readonly heads = new QueueHeads();
  /** Calls whose transactions are under way, and how many have ended because a job did not fit. */
  readonly underWay = new Set<Promise<Answers>>();
  full = 0;
}

/** Rows read before the opening was known: the head of the queue that the first claims most likely take from. */
interface ReadAhead {
  readonly queue: string;
  readonly rows: HeadRows;
}

/** What a call knows before it takes the first job. */
interface Opening {
  readonly now: Millis;
  readonly isDue: boolean;
  /** The queues of all claims. */
  readonly queues: readonly string[];
  readonly paused: ReadonlySet<string>;
  /** Queues that had a limit or limit groups at the opening. */
  readonly limited: readonly string[];
  readonly requests: ClaimRequests;
  readonly readAhead: ReadAhead | null;
}

/** What the runs of a call share. */
interface Serving {
  readonly batch: ClaimBatch;
  readonly opening: Opening;
  readonly heads: QueueHeads;
  /** The limited queues among those of the claims. */
  readonly limited: ReadonlySet<string>;
  /** Null where no queue is limited. */
  readonly groups: LimitGroups | null;
  /** For the first queue that is served only. */
  readAhead: ReadAhead | null;
}

interface Answers {
  readonly answers: readonly Claimed[];
  /** Whether the call ended because a job did not fit: it has locked more rows than it took. */
  readonly isFull: boolean;
  /** Whether a claim got nothing while others were promoting due jobs, which may be for it. */
  readonly passedOver: boolean;
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
    const answers = await claimAtOnce(database, claims, now, hints.heads, hints.limited, maxBytes);
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
  if (isDue) await promote(tx, changes, now, bounds.promoted);
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
    isDue && answers.some((answer, at) => gotNothing(answer, claims[at])) && (await isPassedOver(tx, now));
  return { answers, isFull: bytes.isFull, passedOver };
}

function gotNothing({ jobs, deferred }: Claimed, claim: Claim | undefined): boolean {
  return jobs.length === 0 && !deferred && claim !== undefined && claim.limit > 0;
}

/** Reads the opening, the head of the first queue and earlier answers in one round trip. */
async function open(
  tx: Transaction,
  claims: readonly Claim[],
  asked: Millis,
  { limited, heads }: ClaimHints,
): Promise<Opening> {
  const queues = [...new Set(claims.flatMap(({ queues }) => queues))];
  // Sent before the head is read: a job that others have promoted is then either still due, or in the head.
  const look = tx.query(selectOpening, [texts(queues) ?? '{}', asked]);
  const readAhead = readFirstHead(tx, claims, limited, heads);
  const [[opening], requests, ahead] = await Promise.all([look, ClaimRequests.read(tx, claims), readAhead]);
  const isDue = opening?.[1] === true;
  return {
    // Another process may have started jobs meanwhile: starts that a rate counts must be in the order of their times.
    now: Math.max(asked, integer(opening?.[0])),
    isDue,
    queues,
    paused: new Set(namesIn(opening?.[2])),
    limited: namesIn(opening?.[3]),
    requests,
    readAhead: isDue ? null : ahead,
  };
}

/**
 * Reads ahead for the first claims on the same queue. Where the rows must not be taken after all (the queue is paused
 * or limited, or jobs are due), they only stay locked until the commit.
 */
async function readFirstHead(
  tx: Transaction,
  claims: readonly Claim[],
  limited: ReadonlySet<string>,
  heads: QueueHeads,
): Promise<ReadAhead | null> {
  const first = claims[0];
  const queue = first?.queues[0];
  if (!first || queue === undefined || limited.has(queue)) return null;
  const others = claims.findIndex(({ queues }) => queues.length !== first.queues.length || queues[0] !== queue);
  const asked = claims
    .slice(0, others < 0 ? claims.length : others)
    .reduce((sum, { limit }) => sum + Math.max(0, limit), 0);
  return asked === 0 ? null : { queue, rows: await heads.read(tx, queue, asked) };
}

/** The queues with limits, also by the deltas of this transaction so far; updates the hints. */
function limitedQueues(tx: Transaction, { queues, paused, limited }: Opening, hints: ClaimHints): ReadonlySet<string> {
  const found = new Set(
    [...limited, ...tx.limits.queues].filter((queue) => !paused.has(queue) && queues.includes(queue)),
  );
  for (const queue of queues) {
    if (found.has(queue)) hints.limited.add(queue);
    else hints.limited.delete(queue);
  }
  return found;
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

function namesIn(cell: unknown): readonly string[] {
  return Array.isArray(cell) ? cell.map(text) : [];
}
