import { type Millis, requestKey, State, sideWork } from '@ojs-ts/core';
import type { Claim, Claimed } from '../storage.ts';
import { texts } from './arrays.ts';
import { Changes } from './changes.ts';
import type { FrontRows, Fronts } from './front.ts';
import { readJobs } from './held.ts';
import { Lanes } from './lanes.ts';
import { isPassedOver, promote } from './promote.ts';
import { Round } from './round.ts';
import { integer, text } from './row.ts';
import { takeLimited } from './take-limited.ts';
import { takePlain } from './take-plain.ts';
import type { Transaction } from './transaction.ts';

/**
 * One look at all that decides how a claim goes on: the clock of rates, whether something is due, queues that are paused or limited. With OFFSET each of
 * the looks is made by its index for each queue; without, a plan that was made on empty tables reads the whole table once, and goes on doing so.
 */
const opening = `SELECT last_start,
    EXISTS (SELECT FROM ojs.jobs WHERE state = ${State.scheduled} AND due_at IS NOT NULL AND due_at <= greatest($2, last_start))
    OR EXISTS (SELECT FROM ojs.jobs WHERE state = ${State.retryable} AND due_at IS NOT NULL AND due_at <= greatest($2, last_start)),
    ARRAY (SELECT name FROM ojs.queues WHERE name = ANY ($1::text[]) AND paused),
    ARRAY (SELECT queue FROM unnest($1::text[]) AS asked (queue) WHERE EXISTS (SELECT FROM ojs.limits WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.limit_changes WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.lane_changes WHERE lane_changes.queue = asked.queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.groups WHERE groups.queue = asked.queue AND until IS NULL OFFSET 0)
      OR EXISTS (SELECT FROM ojs.groups WHERE groups.queue = asked.queue AND until IS NOT NULL OFFSET 0))
  FROM ojs.store`;
const requests = 'SELECT request, claims FROM ojs.requests WHERE request = ANY ($1::text[])';
const remember =
  'INSERT INTO ojs.requests (request, claims, at) SELECT request, claims, $3 FROM unnest($1::text[], $2::text[]) AS asked (request, claims)';
const availableIn =
  'SELECT queue FROM ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue HAVING sum(available) > 0';

/** What a request got, by its key. */
type Given = Map<string, readonly { readonly id: string; readonly claim: number }[]>;

/** What is kept from claim to claim: hints about what to read. */
export interface Hints {
  /** Queues that had lanes or a limit of their own when a claim last looked. */
  readonly limitedBefore: Set<string>;
  readonly fronts: Fronts;
}

export interface ClaimAnswers {
  readonly answers: readonly Claimed[];
  /** Whether a claim got nothing while others were just moving due jobs on, which may be for it. */
  readonly passedOver: boolean;
}

export async function claim(
  tx: Transaction,
  claims: readonly Claim[],
  asked: Millis,
  { limitedBefore, fronts }: Hints,
): Promise<ClaimAnswers> {
  const names = [...new Set(claims.flatMap(({ queues }) => queues))];
  // Before the front: a job that others have moved on by then is either due still, or there.
  const look = tx.query(opening, [texts(names) ?? '{}', asked]);
  const guess = openFront(tx, claims, limitedBefore, fronts);
  const [[opened], given, ahead] = await Promise.all([look, readRequests(tx, claims), guess?.found]);
  // Another process may have started jobs meanwhile: starts that a rate counts are in the order of their times.
  const now = Math.max(asked, integer(opened?.[0]));
  tx.now = now;
  const bound = sideWork(claims);
  const changes = new Changes(tx, now);
  const isDue = opened?.[1] === true;
  if (isDue) await promote(tx, changes, now, bound.promoted);
  const paused = new Set(namesIn(opened?.[2]));
  const limited = new Set(
    [...namesIn(opened?.[3]), ...tx.limits.queues].filter((queue) => !paused.has(queue) && names.includes(queue)),
  );
  for (const queue of names) {
    if (limited.has(queue)) limitedBefore.add(queue);
    else limitedBefore.delete(queue);
  }
  const lanes = limited.size === 0 ? null : await Lanes.open(tx, now, [...limited]);
  if (lanes) {
    await lanes.loadQueues([...limited]);
    lanes.wakeUp([...limited]);
  }
  const round = new Round(tx, changes, now, bound.expired);
  let read = guess && ahead && !isDue ? { queue: guess.queue, found: ahead } : null;
  const answers: Claimed[] = [];
  const fresh = new Map<string, string>();
  for (const run of runs(claims, given)) {
    if (run.kind === 'repeat') {
      answers.push(await repeat(tx, run.given));
      continue;
    }
    const open = run.queues.filter((queue) => !paused.has(queue));
    const dealt = round.deal(run.claims);
    for (const queue of open) {
      if (dealt.wanted === 0) break;
      if (lanes && limited.has(queue)) await takeLimited(round, dealt, lanes, queue);
      else await takePlain(round, dealt, fronts, queue, read?.queue === queue ? read.found : null);
      read = null;
    }
    // Who waits goes on where this call leaves off.
    if (dealt.wanted > 0)
      for (const queue of open) if (limited.has(queue) && lanes?.isBehind(queue)) tx.woken.add(queue);
    const again =
      lanes && dealt.wanted > 0
        ? await reopening(
            tx,
            lanes,
            open.filter((queue) => limited.has(queue)),
            now,
          )
        : null;
    for (const { claim, jobs } of dealt.hands) {
      // An empty answer is not remembered: a fetch that waits asks again under the same id.
      if (claim.request !== null && jobs.length > 0) {
        const key = requestKey(claim.request, claim.worker);
        const held = jobs.map(({ id, claim }) => ({ id, claim }));
        given.set(key, held);
        fresh.set(key, JSON.stringify(held.map(({ id, claim }) => [id, claim])));
      }
      answers.push({ jobs, again: jobs.length < claim.limit ? again : null });
    }
  }
  if (fresh.size > 0) tx.write(remember, [texts([...fresh.keys()]), texts([...fresh.values()]), now]);
  changes.write();
  await changes.close();
  const passedOver =
    isDue && answers.some((answer, at) => gotNothing(answer, claims[at])) && (await isPassedOver(tx, now));
  return { answers, passedOver };
}

export function gotNothing({ jobs }: Claimed, claim: Claim | undefined): boolean {
  return jobs.length === 0 && claim !== undefined && claim.limit > 0;
}

/**
 * What the claims will most likely take first is read along with the look that decides about it. Where it is not to be taken (the queue is paused or
 * limited, something is due) the rows stay locked until the commit, and that is all.
 */
function openFront(
  tx: Transaction,
  claims: readonly Claim[],
  limitedBefore: ReadonlySet<string>,
  fronts: Fronts,
): { readonly queue: string; readonly found: Promise<FrontRows> } | null {
  const first = claims[0];
  const queue = first?.queues[0];
  if (!first || queue === undefined || limitedBefore.has(queue)) return null;
  const others = claims.findIndex(({ queues }) => queues.length !== first.queues.length || queues[0] !== queue);
  const asked = claims
    .slice(0, others < 0 ? claims.length : others)
    .reduce((sum, { limit }) => sum + Math.max(0, limit), 0);
  return asked === 0 ? null : { queue, found: fronts.read(tx, queue, asked) };
}

type Run =
  | { readonly kind: 'repeat'; readonly given: readonly { readonly id: string; readonly claim: number }[] }
  | { readonly kind: 'serve'; readonly queues: readonly string[]; readonly claims: readonly Claim[] };

/** Claims beside each other on the same queues are served as one: what each takes in its turn is the same. */
function* runs(claims: readonly Claim[], given: Given): Iterable<Run> {
  let run: Claim[] = [];
  const keys = new Set<string>();
  for (const claim of claims) {
    const [first] = run;
    const key = claim.request === null ? null : requestKey(claim.request, claim.worker);
    const joins =
      !first ||
      (claim.queues.length === first.queues.length && claim.queues.every((queue, at) => queue === first.queues[at]));
    if (first && (!joins || (key !== null && (given.has(key) || keys.has(key))))) {
      yield { kind: 'serve', queues: first.queues, claims: run };
      run = [];
      keys.clear();
    }
    const before = key === null ? undefined : given.get(key);
    if (before) {
      yield { kind: 'repeat', given: before };
      continue;
    }
    run.push(claim);
    if (key !== null) keys.add(key);
  }
  const [first] = run;
  if (first) yield { kind: 'serve', queues: first.queues, claims: run };
}

async function readRequests(tx: Transaction, claims: readonly Claim[]): Promise<Given> {
  const keys = claims.flatMap(({ request, worker }) => (request === null ? [] : [requestKey(request, worker)]));
  if (keys.length === 0) return new Map();
  const rows = await tx.query(requests, [texts(keys)]);
  return new Map(rows.map(([request, claims]) => [text(request), readGiven(text(claims))]));
}

function readGiven(json: string): readonly { readonly id: string; readonly claim: number }[] {
  const given: unknown = JSON.parse(json);
  if (!Array.isArray(given)) throw new TypeError('PostgreSQL: the claims of a request are not an array.');
  return given.map(([id, claim]) => ({ id: String(id), claim: Number(claim) }));
}

/** What a request that was answered before still holds. */
async function repeat(
  tx: Transaction,
  given: readonly { readonly id: string; readonly claim: number }[],
): Promise<Claimed> {
  const jobs = await readJobs(
    (text, values) => tx.query(text, values),
    given.map(({ id }) => id),
  );
  const held = given.flatMap(({ id, claim }) => {
    const job = jobs.get(id)?.job;
    return job?.state === State.active && job.claim === claim ? [job] : [];
  });
  return { jobs: held, again: null };
}

/** When a rate that holds back jobs of these queues lets one start. */
async function reopening(
  tx: Transaction,
  lanes: Lanes,
  queues: readonly string[],
  now: Millis,
): Promise<Millis | null> {
  if (queues.length === 0) return null;
  const whole = queues.filter((queue) => lanes.limits.reopensAt(`queue:${queue}`, now) !== null);
  lanes.limits.flush();
  let first = (await lanes.nextReopening(queues)) ?? Number.POSITIVE_INFINITY;
  if (whole.length > 0) {
    tx.flush();
    for (const [queue] of await tx.query(availableIn, [texts(whole)])) {
      first = Math.min(first, lanes.limits.reopensAt(`queue:${text(queue)}`, now) ?? first);
    }
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}

function namesIn(cell: unknown): readonly string[] {
  return Array.isArray(cell) ? cell.map(text) : [];
}
