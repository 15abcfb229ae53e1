import type { Clock, Millis } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import {
  type JobRule,
  type KeepRule,
  noJobs,
  type Pruned,
  type PrunedJobs,
  type PruneKind,
  type PruneRules,
  pruneKinds,
} from '../../storage/prune.ts';
import type { Storage } from '../../storage/storage.ts';
import type { AuditLog } from '../access/audit-log.ts';
import type { Retention } from '../options.ts';
import type { Totals } from '../queues/totals.ts';
import type { HistoryRetention } from './history-retention.ts';
import { type KeptKind, keptKinds, type Removals } from './removals.ts';
import type { Backlog, RetentionBacklog } from './retention-backlog.ts';

/** Between two looks at every kind, in milliseconds. */
export const lookMs = 5_000;
/**
 * Between two looks at the audit log, in milliseconds: each passes over every entry that is kept, 100,000 of them by
 * default.
 */
const auditLookMs = 60_000;
/** The pause before a pass for the kinds of which the last one has removed more than a page, in milliseconds. */
const busyMs = 1_000;
/** One pass, in milliseconds. The calls of users go between its pages. */
const passMs = 250;
/** How many of each kind one call removes where the store is in this process: about 2 ms of work on SQLite. */
const page = 200;
/** The part of a pass in which old histories are deleted, in milliseconds. */
const historyMs = 500;
/** A client repeats a fetch within its own deadline of at most a minute; after twice that the record is not needed. */
const requestsMs = 120_000;
/**
 * A limit key without jobs is kept longer than the longest window of a rate (a day), so that its starts still count.
 */
const limitsMs = 2 * 86_400_000;

/** Each rule for jobs with the name of its kind. */
type Rules = Omit<PruneRules, 'jobs'> & {
  readonly jobs: readonly (JobRule & { readonly kind: KeptKind })[];
  /** Entries of the audit log by the time in their ids. */
  readonly audit?: KeepRule;
};

/**
 * Deletes what has been kept for long enough, at whatever rate it grows: passes for the kinds that grow fast follow
 * each other closely, and ask for nothing else.
 */
export class RetentionPasses {
  readonly #storage: Storage;
  readonly #audit: AuditLog;
  readonly #clock: Clock;
  readonly #retention: Retention;
  readonly #removals: Removals;
  readonly #backlog: RetentionBacklog;
  readonly #histories: HistoryRetention;
  readonly #totals: Totals;
  /** The rules for the kinds of which the last pass has removed more than a page. */
  #busy: Rules | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #auditLookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly storage: Storage;
    readonly audit: AuditLog;
    readonly clock: Clock;
    readonly retention: Retention;
    readonly removals: Removals;
    readonly backlog: RetentionBacklog;
    readonly histories: HistoryRetention;
    readonly totals: Totals;
  }) {
    this.#storage = parts.storage;
    this.#audit = parts.audit;
    this.#clock = parts.clock;
    this.#retention = parts.retention;
    this.#removals = parts.removals;
    this.#backlog = parts.backlog;
    this.#histories = parts.histories;
    this.#totals = parts.totals;
  }

  /**
   * One pass over the kinds of which the last one has removed much; over every kind if that was none, or 5 s have
   * passed. Answers the pause until the next pass, in milliseconds.
   */
  async pass(isOver: () => boolean): Promise<number> {
    const start = performance.now();
    const looks = start - this.#lookedAt >= lookMs;
    const isBehind = this.#busy === null || looks ? await this.look(isOver) : await this.#prune(this.#busy, isOver);
    if (isBehind) return (performance.now() - start) * (1 / this.#storage.traits.retentionShare - 1);
    return this.#busy === null ? lookMs : busyMs;
  }

  /** A pass over every kind. Answers whether it leaves a backlog. */
  async look(isOver: () => boolean): Promise<boolean> {
    this.#lookedAt = performance.now();
    // Minutes go after they are folded; the rest of the store must not grow because that fails.
    const [folded] = await Promise.allSettled([this.#totals.fold()]);
    const { audit, ...others } = this.#rules(folded.status === 'fulfilled' ? folded.value : 0);
    const hasAudit = this.#lookedAt - this.#auditLookedAt >= auditLookMs;
    if (hasAudit) this.#auditLookedAt = this.#lookedAt;
    const isBehind = await this.#prune(hasAudit && audit ? { ...others, audit } : others, isOver);
    const end = performance.now() + historyMs;
    await this.#histories.run(() => performance.now() >= end || isOver());
    if (folded.status === 'rejected') throw folded.reason;
    return isBehind;
  }

  async #prune(all: Rules, isOver: () => boolean): Promise<boolean> {
    const end = performance.now() + passMs;
    const { inProcess, maxBatch } = this.#storage.traits;
    const limit = inProcess ? page : maxBatch;
    const found = new Tally();
    let rules: Rules | null = all;
    do {
      const { audit, ...native }: Rules = rules;
      found.add(rules, await this.#storage.upkeep.prune(native, limit));
      if (audit) found.note('audit', await this.#audit.prune(audit, limit));
      // A few are jobs that have ended since. Half a page is enough to continue, because a page leaves out rows that
      // others have locked.
      rules = only(rules, (kind) => found.last(kind) >= limit / 2);
    } while (rules !== null && performance.now() < end && !isOver());
    this.#busy = only(all, (kind) => found.gone(kind) >= limit);
    await this.#removals.add(keptKinds.map((kind) => found.overCap(kind)));
    await this.#backlog.note(rules === null ? null : found.backlog(rules));
    return rules !== null;
  }

  #rules(foldedTo: Millis): Rules {
    const now = this.#clock.now();
    const { completedMs, cancelledMs, discardedMs, keep, deadLetterMs, keepDeadLetters } = this.#retention;
    const { eventsMs, keepEvents, workflowsMs, keepWorkflows, statisticsMs, auditMs, keepAudit } = this.#retention;
    return {
      jobs: [
        { kind: 'completed', state: State.completed, deadLetter: false, before: now - completedMs, keep },
        { kind: 'cancelled', state: State.cancelled, deadLetter: false, before: now - cancelledMs, keep },
        { kind: 'discarded', state: State.discarded, deadLetter: false, before: now - discardedMs, keep },
        {
          kind: 'dead_letter',
          state: State.discarded,
          deadLetter: true,
          before: now - deadLetterMs,
          keep: keepDeadLetters,
        },
      ],
      events: { before: now - eventsMs, keep: keepEvents },
      workflows: { before: now - workflowsMs, keep: keepWorkflows },
      statisticsBefore: Math.min(now - statisticsMs, foldedTo),
      audit: { before: now - auditMs, keep: keepAudit },
      requestsBefore: now - requestsMs,
      workersBefore: now - 86_400_000,
      limitsBefore: now - limitsMs,
    };
  }
}

type Kind = KeptKind | PruneKind | 'audit';

/** The rules for the wanted kinds; null where there are none. */
function only(rules: Rules, isWanted: (kind: Kind) => boolean): Rules | null {
  const { events, workflows, statisticsBefore, audit, requestsBefore, workersBefore, limitsBefore } = rules;
  const { jobs, ...others }: Rules = {
    jobs: rules.jobs.filter(({ kind }) => isWanted(kind)),
    ...(events && isWanted('events') && { events }),
    ...(workflows && isWanted('workflows') && { workflows }),
    ...(statisticsBefore !== undefined && isWanted('statisticsBefore') && { statisticsBefore }),
    ...(audit && isWanted('audit') && { audit }),
    ...(requestsBefore !== undefined && isWanted('requestsBefore') && { requestsBefore }),
    ...(workersBefore !== undefined && isWanted('workersBefore') && { workersBefore }),
    ...(limitsBefore !== undefined && isWanted('limitsBefore') && { limitsBefore }),
  };
  return jobs.length === 0 && Object.keys(others).length === 0 ? null : { jobs, ...others };
}

/** The number of records that the calls of one pass have removed. */
class Tally {
  readonly #gone = new Map<Kind, number>();
  readonly #last = new Map<Kind, number>();
  readonly #jobs = new Map<KeptKind, PrunedJobs>();
  readonly #overCap = new Map<KeptKind, number>();

  add(rules: Rules, { jobs, others }: Pruned): void {
    rules.jobs.forEach(({ kind }, index) => {
      const removed = jobs[index] ?? noJobs;
      this.#jobs.set(kind, removed);
      this.#overCap.set(kind, this.overCap(kind) + removed.overCap);
      this.note(kind, removed.gone);
    });
    for (const kind of pruneKinds) this.note(kind, others[kind]);
  }

  gone(kind: Kind): number {
    return this.#gone.get(kind) ?? 0;
  }

  /** By the last call alone. */
  last(kind: Kind): number {
    return this.#last.get(kind) ?? 0;
  }

  overCap(kind: KeptKind): number {
    return this.#overCap.get(kind) ?? 0;
  }

  backlog(behind: Rules): Omit<Backlog, 'since'> {
    const jobs = behind.jobs.map((rule) => ({ rule, removed: this.#jobs.get(rule.kind) ?? noJobs }));
    return {
      kinds: [
        ...behind.jobs.map(({ kind }) => kind),
        ...[...pruneKinds, 'audit' as const].filter((kind) => behind[kind] !== undefined),
      ],
      jobs: jobs.reduce((sum, { removed }) => sum + removed.surplus, 0),
      lateMs: Math.max(0, ...jobs.map(({ rule, removed }) => rule.before - (removed.lastAt ?? rule.before))),
    };
  }

  note(kind: Kind, gone: number): void {
    this.#gone.set(kind, this.gone(kind) + gone);
    this.#last.set(kind, gone);
  }
}
