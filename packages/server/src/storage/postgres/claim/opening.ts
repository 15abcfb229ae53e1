import type { Millis } from '@ojs-ts/core';
import { integer, text } from '../../cells.ts';
import type { Claim, Claimed } from '../../storage.ts';
import { texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { existsDue, type LeftEdges } from '../upkeep/left-edges.ts';
import { type HeadRows, QueueHeads } from './queue-head.ts';
import { ClaimRequests } from './requests.ts';

/**
 * One statement reads everything that a claim depends on: the clock of the rates, whether jobs are due, which queues
 * are paused or limited. With OFFSET each EXISTS uses its index for each queue; without it a plan that was made on
 * empty tables reads the whole table, and is kept.
 */
const selectOpening = `SELECT last_start,
    ${existsDue('greatest($2, last_start)', '$3', '$4')},
    ARRAY (SELECT name FROM ojs.queues WHERE name = ANY ($1::text[]) AND paused),
    ARRAY (SELECT queue FROM unnest($1::text[]) AS asked (queue)
    WHERE EXISTS (SELECT FROM ojs.limits WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.limit_changes WHERE key = 'queue:' || queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.limit_group_changes WHERE limit_group_changes.queue = asked.queue OFFSET 0)
      OR EXISTS (SELECT FROM ojs.waitlists WHERE waitlists.queue = asked.queue AND until IS NULL OFFSET 0)
      OR EXISTS (SELECT FROM ojs.waitlists WHERE waitlists.queue = asked.queue AND until IS NOT NULL OFFSET 0))
  FROM ojs.store`;
/** The memory of a process from claim to claim: hints about what to read first, never about what to decide. */
export class ClaimHints {
  /** Queues that had limit groups or a limit of their own when a claim last looked. */
  readonly limited = new Set<string>();
  readonly heads = new QueueHeads();
  readonly edges: LeftEdges;
  /** Calls whose transactions are in flight, and how many have ended because a job did not fit. */
  readonly underWay = new Set<Promise<Answers>>();
  full = 0;

  constructor(edges: LeftEdges) {
    this.edges = edges;
  }
}

/** Rows read before the opening was known: the head of the queue that the first claims most likely take from. */
export interface ReadAhead {
  readonly queue: string;
  readonly rows: HeadRows;
}

/** The facts of a call before it takes the first job. */
export interface Opening {
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

export interface Answers {
  readonly answers: readonly Claimed[];
  /** True if the call ended because a job did not fit: it has locked more rows than it took. */
  readonly isFull: boolean;
  /** True if a claim got nothing while others were promoting due jobs, which may be for it. */
  readonly passedOver: boolean;
}

/** Reads the opening, the head of the first queue and earlier answers in one round trip. */
export async function open(
  tx: Transaction,
  claims: readonly Claim[],
  asked: Millis,
  { limited, heads, edges }: ClaimHints,
): Promise<Opening> {
  const queues = [...new Set(claims.flatMap(({ queues }) => queues))];
  // Sent before the head is read: a job that others have promoted is then either still due, or in the head.
  const look = tx.query(selectOpening, [texts(queues) ?? '{}', asked, ...edges.at(asked).slice(0, 2)]);
  const readAhead = readFirstHead(tx, claims, limited, heads);
  const [[opening], requests, ahead] = await Promise.all([look, ClaimRequests.read(tx, claims), readAhead]);
  const isDue = opening?.[1] === true;
  return {
    // Another process may have started jobs in between: starts that a rate counts must be in the order of their times.
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
 * Reads ahead for the first claims on the same queue. If the rows must not be taken after all (the queue is paused or
 * limited, or jobs are due), they only stay locked until the commit.
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
export function limitedQueues(
  tx: Transaction,
  { queues, paused, limited }: Opening,
  hints: ClaimHints,
): ReadonlySet<string> {
  const found = new Set(
    [...limited, ...tx.limits.queues].filter((queue) => !paused.has(queue) && queues.includes(queue)),
  );
  for (const queue of queues) {
    if (found.has(queue)) hints.limited.add(queue);
    else hints.limited.delete(queue);
  }
  return found;
}

function namesIn(cell: unknown): readonly string[] {
  return Array.isArray(cell) ? cell.map(text) : [];
}
