import { queueLimitKey } from '@ojs-ts/core/job';
import { isClaimedBefore } from '@ojs-ts/core/lifecycle';
import type { LimitGroup, LimitGroups } from '../limits/limit-groups.ts';
import type { ClaimBatch, ClaimRun } from './claim-batch.ts';
import {
  type FirstOf,
  firstOf,
  type LimitedView,
  placeOf,
  type ReadGroup,
  readView,
  type Waitlist,
} from './limited-view.ts';
import type { Ready } from './ready-job.ts';

/**
 * Limit groups that a call meets in vain. Each moves to the waitlist of the key that holds it back, so a key that
 * closes costs so many only where other keys kept its groups apart.
 */
const mostFruitless = 500;

/** Claims from a queue that has limit groups, or is limited as a whole. */
export async function claimLimited(
  batch: ClaimBatch,
  run: ClaimRun,
  groups: LimitGroups,
  queue: string,
): Promise<void> {
  const budget = { fruitless: mostFruitless };
  for (let goesOn = true; goesOn && run.wanted > 0 && !batch.bytes.isFull && isOpen(batch, groups, queue); ) {
    const view = await readView(batch.tx, groups, queue, run.wanted);
    goesOn =
      new Visit(batch, run, groups, queue, view, budget).takeAll() ||
      (run.wanted > 0 && !batch.bytes.isFull && budget.fruitless > 0 && (await groups.mergeMore(queue)));
  }
}

function isOpen({ now }: ClaimBatch, groups: LimitGroups, queue: string): boolean {
  return groups.limits.closedUntil(queueLimitKey(queue), now) === null;
}

/** A waitlist with the group that it offers next. */
interface Candidate {
  readonly waitlist: Waitlist;
  first: ReturnType<typeof firstOf>;
}

/** The job that comes next; `from` is null for a job without limits. */
interface Next {
  readonly ready: Ready;
  readonly from: (FirstOf & { readonly candidate: Candidate }) | null;
}

/** Takes jobs from what one look at a limited queue has read. */
class Visit {
  readonly #batch: ClaimBatch;
  readonly #run: ClaimRun;
  readonly #groups: LimitGroups;
  readonly #queue: string;
  readonly #view: LimitedView;
  /** Shared by the visits of a call. */
  readonly #budget: { fruitless: number };
  readonly #candidates: Set<Candidate>;
  /** Groups whose first job or waitlist has changed, by ready queue. */
  readonly #touched = new Map<string, ReadGroup>();
  /** Waitlists that groups have left, or whose key is closed. */
  readonly #left: Pick<LimitGroup, 'queue' | 'waitlist'>[] = [];

  constructor(
    batch: ClaimBatch,
    run: ClaimRun,
    groups: LimitGroups,
    queue: string,
    view: LimitedView,
    budget: { fruitless: number },
  ) {
    this.#batch = batch;
    this.#run = run;
    this.#groups = groups;
    this.#queue = queue;
    this.#view = view;
    this.#budget = budget;
    this.#candidates = new Set(view.waitlists.map((waitlist) => ({ waitlist, first: firstOf(waitlist) })));
  }

  /** Takes jobs as far as the rows reach; true if another look may find more. */
  takeAll(): boolean {
    let did = false;
    let goesOn = false;
    while (this.#run.wanted > 0 && isOpen(this.#batch, this.#groups, this.#queue)) {
      const next = this.#next();
      // If this visit did nothing, another one would read the same rows: others have locked the first jobs.
      goesOn = did && (this.#mayBeUnread(next) || this.#candidates.values().some(({ first }) => first === 'unread'));
      if (goesOn || !next || this.#mayBeUnmerged(next)) break;
      did = true;
      if (!this.#visit(next)) break;
    }
    this.#batch.write();
    this.#groups.update([...this.#touched.values()], this.#left);
    return goesOn;
  }

  /** The first job of all that was read. */
  #next(): Next | null {
    let from: (FirstOf & { readonly candidate: Candidate }) | null = null;
    for (const candidate of this.#candidates) {
      const { first } = candidate;
      if (first === null || first === 'unread') continue;
      if (!from || isClaimedBefore(placeOf(first.ready), placeOf(from.ready))) from = { candidate, ...first };
    }
    const plain = this.#view.plain.peek();
    if (plain && !(from && isClaimedBefore(placeOf(from.ready), placeOf(plain)))) return { ready: plain, from: null };
    return from && { ready: from.ready, from };
  }

  /** Reports whether a job that was not read may come before this one. */
  #mayBeUnread(next: Next | null): boolean {
    const { plain, bound } = this.#view;
    return plain.spent || (bound !== null && !(next && isClaimedBefore(placeOf(next.ready), bound)));
  }

  /**
   * Reports whether a job of a group that is not merged yet may come before this one, or this one's group may have lost
   * jobs.
   */
  #mayBeUnmerged(next: Next): boolean {
    const unknown = this.#groups.unknownFrom(this.#queue);
    return unknown !== null && (this.#mayBeUnread(next) || !isClaimedBefore(placeOf(next.ready), unknown));
  }

  /** Takes the job, or moves its group out of the way where a key is closed; false if the visit ends. */
  #visit({ ready, from }: Next): boolean {
    const closed = from && this.#groups.limits.closing(from.group.keys, this.#batch.now);
    return from && closed ? this.#holdBack(from, closed.key) : this.#take(ready, from);
  }

  #holdBack({ candidate, group }: NonNullable<Next['from']>, closed: string): boolean {
    const { waitlist } = candidate;
    this.#left.push({ queue: this.#queue, waitlist: waitlist.key });
    // The key of the waitlist holds back all its groups, another key this group only.
    if (this.#groups.limits.closedUntil(waitlist.key, this.#batch.now) !== null) this.#candidates.delete(candidate);
    else {
      waitlist.groups = waitlist.groups.filter((one) => one !== group);
      candidate.first = firstOf(waitlist);
      this.#touched.set(group.readyQueue, { ...group, waitlist: closed });
    }
    this.#budget.fruitless -= 1;
    if (this.#budget.fruitless > 0) return true;
    // Waiting claims continue where this one stops.
    this.#batch.tx.woken.add(this.#queue);
    return false;
  }

  #take(ready: Ready, from: Next['from']): boolean {
    const taken = this.#batch.take(this.#run, ready);
    if (taken === 'refused') return false;
    if (taken === 'started') this.#groups.limits.started(this.#queue, from?.group.keys ?? [], this.#batch.now);
    if (from) {
      from.group.head.next();
      this.#touched.set(from.group.readyQueue, from.group);
      from.candidate.first = firstOf(from.candidate.waitlist);
    } else this.#view.plain.next();
    return true;
  }
}
