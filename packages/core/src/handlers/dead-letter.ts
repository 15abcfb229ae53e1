import { renderBulk, renderPurge, retriedReply } from '../answers.ts';
import type { Bulk, BulkStore } from '../bulk/bulk.ts';
import { renderJob } from '../envelope/render.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import { deadLetters, errorNames, type Selection, select } from '../job/selection.ts';
import { State } from '../job/states.ts';
import { type Lifecycle, notDead } from '../lifecycle/lifecycle.ts';
import type { QueueCounts } from '../requests/lists.ts';
import { json, ok } from '../requests/reply.ts';
import { readOverride, readPurge, readRetryTargets } from '../requests/targets.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import type { Clock, Millis } from '../time/clock.ts';
import { formatDuration } from '../time/duration.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type Handlers, idOf, inSteps, type Parents } from './handler.ts';
import { checkArgs, type SchemaChecks } from './schema-checks.ts';

interface DeadLetterStats {
  readonly total: number;
  readonly byQueue: Readonly<Record<string, number>>;
  /** By the type of the last error, over the newest `counted` jobs. */
  readonly byErrorType: Readonly<Record<string, number>>;
  readonly counted: number;
  readonly newestAt: Millis | null;
  readonly oldestAt: Millis | null;
}

/** Errors are counted over this many of the newest jobs, the default of the retention, in pages. */
const countable = 10_000;
const page = 500;
const guard = { from: State.discarded, deadLetter: true } as const;

interface Parts {
  readonly store: BulkStore;
  /** All queues, with their stored counts. */
  readonly queues: { queues(): Answered<readonly QueueCounts[]> };
  readonly clock: Clock;
  /** How long statistics are kept, because dashboards ask often. */
  readonly freshMs: Millis;
}

/** Discarded jobs that wait for an operator, because their policy or their handler says so (ojs-dead-letter). */
export class DeadLetter {
  readonly #parts: Parts;
  #stats: { readonly at: Millis; readonly stats: Answered<DeadLetterStats> } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The store was emptied, or a dead letter was changed. */
  forget(): void {
    this.#stats = null;
  }

  /** Throws `not_found` for a job that is not in the dead letter. */
  *get(id: JobId): Steps<JobRecord> {
    const [job] = yield* ask(this.#parts.store.jobs.get([id]));
    if (job?.deadLetter) return job;
    throw notDead(id);
  }

  stats(): Answered<DeadLetterStats> {
    const { clock, freshMs } = this.#parts;
    const at = clock.now();
    if (this.#stats === null || Math.abs(at - this.#stats.at) >= freshMs) {
      const stats = run(this.#count());
      this.#stats = { at, stats };
      if (stats instanceof Promise) stats.catch(() => this.forget());
    }
    return this.#stats.stats;
  }

  *#count(): Steps<DeadLetterStats> {
    const { store, queues } = this.#parts;
    const all = yield* ask(queues.queues());
    // Queues without a dead letter are left out.
    const byQueue = Object.fromEntries(
      all.flatMap(({ name, deadLetter }) => (deadLetter > 0 ? [[name, deadLetter]] : [])),
    );
    const total = all.reduce((sum, { deadLetter }) => sum + deadLetter, 0);
    const byErrorType = new Map<string, number>();
    let counted = 0;
    let newestAt: Millis | null = null;
    let oldestAt: Millis | null = null;
    for (let after: string | null = null; counted < countable; ) {
      const { jobs, next }: Selection = yield* ask(select(store, deadLetters, { after, limit: page }));
      for (const job of jobs) {
        const [type = 'Unknown'] = errorNames(job);
        byErrorType.set(type, (byErrorType.get(type) ?? 0) + 1);
      }
      counted += jobs.length;
      newestAt ??= jobs[0]?.finishedAt ?? null;
      oldestAt = jobs.at(-1)?.finishedAt ?? oldestAt;
      after = next;
      if (after === null) break;
    }
    if (counted < total) {
      const { jobs }: Selection = yield* ask(select(store, deadLetters, { offset: total - 1, limit: 1 }));
      oldestAt = jobs[0]?.finishedAt ?? oldestAt;
    }
    return { total, byQueue, byErrorType: Object.fromEntries(byErrorType), counted, newestAt, oldestAt };
  }

  /** Deletes the job. Throws `not_found`. */
  *remove(id: JobId): Steps<void> {
    this.forget();
    const [removed] = yield* ask(this.#parts.store.jobs.remove([id], guard, this.#parts.clock.now()));
    if (!removed) throw notDead(id);
  }
}

interface Host {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly bulk: Bulk;
  readonly deadLetter: DeadLetter;
  readonly parents: Parents;
  readonly schemas: SchemaChecks;
  readonly settings: { readonly retention: { readonly deadLetterMs: Millis; readonly keepDeadLetters: number } };
  /** Dead letters that the retention has removed beyond its bound. */
  readonly removals: { counts(): Answered<{ readonly dead_letter: number }> };
}

export const deadLetterHandlers: Handlers<
  Host,
  | 'deadLetter.stats'
  | 'deadLetter.get'
  | 'deadLetter.retry'
  | 'deadLetter.retryMany'
  | 'deadLetter.delete'
  | 'deadLetter.purge'
> = {
  /** GET /dead-letter/stats (ojs-dead-letter §10.1). */
  'deadLetter.stats': inSteps(function* ({ deadLetter, removals, settings: { retention } }) {
    const { total, byQueue, byErrorType, counted, oldestAt, newestAt } = yield* ask(deadLetter.stats());
    const { dead_letter: removed } = yield* ask(removals.counts());
    return json({
      total,
      by_queue: byQueue,
      by_error_type: byErrorType,
      by_error_type_of: counted,
      oldest_at: oldestAt === null ? null : formatTimestamp(oldestAt),
      newest_at: newestAt === null ? null : formatTimestamp(newestAt),
      retention: {
        max_age: formatDuration(retention.deadLetterMs),
        max_count: retention.keepDeadLetters,
        removed_over_cap: removed,
      },
    });
  }),
  /** GET /dead-letter/:id: the job at the top level, as in ojs-dead-letter §9.2, and under `job`, as elsewhere. */
  'deadLetter.get': inSteps(function* ({ deadLetter, parents }, request) {
    const text = renderJob(yield* ask(parents.of(yield* deadLetter.get(idOf(request)))));
    return ok(`${text.slice(0, -1)},"job":${text}}`);
  }),
  /**
   * POST /dead-letter/:id/retry: unchanged, or with other args, more meta, another queue, another retry policy
   * (ojs-dead-letter §6.3).
   */
  'deadLetter.retry': inSteps(function* ({ deadLetter, lifecycle, schemas }, request) {
    const id = idOf(request);
    const override = readOverride(request.body);
    if (override.queue !== undefined) request.access?.queues([override.queue]);
    if (override.args !== undefined) yield* ask(checkArgs(schemas, yield* deadLetter.get(id), override.args));
    deadLetter.forget();
    return retriedReply(yield* ask(lifecycle.retry(id, request.key, override)));
  }),
  /** POST /dead-letter/retry: `{filter, confirm: true}`, or `{ids}`. */
  'deadLetter.retryMany': inSteps(function* ({ bulk, clock, deadLetter, lifecycle }, request) {
    const { access, key } = request;
    const targets = readRetryTargets(request, clock.now());
    if (access) yield* ask(access.targets(targets));
    deadLetter.forget();
    const result = yield* ask(bulk.each(targets, (id) => lifecycle.retry(id, key)));
    return renderBulk('retried', result, request);
  }),
  /** DELETE /dead-letter/:id: deletes the job. */
  'deadLetter.delete': inSteps(function* ({ deadLetter }, request) {
    const id = idOf(request);
    yield* deadLetter.remove(id);
    return json({ deleted: true, job_id: id, id });
  }),
  /**
   * DELETE /dead-letter, POST /dead-letter/purge: deletes the jobs that match, by a body or by the query, because some
   * proxies drop the body of a DELETE.
   */
  'deadLetter.purge': inSteps(function* ({ bulk, clock, deadLetter }, request) {
    const { access, body, query } = request;
    const filter = readPurge(body, query, clock.now());
    if (access) yield* ask(access.targets({ filter }));
    deadLetter.forget();
    return renderPurge(yield* ask(bulk.remove({ filter }, guard)), request);
  }),
};
