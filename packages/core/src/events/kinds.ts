/** ojs-events §5: the kinds that this server emits. Stores keep the places in this list: a new kind goes to its end. */
export const eventKinds = [
  'job.enqueued',
  'job.scheduled',
  'job.started',
  'job.heartbeat',
  'job.completed',
  'job.failed',
  'job.retrying',
  'job.cancelled',
  'job.discarded',
  'job.expired',
  'job.timeout',
  'job.stalled',
  'job.total_timeout',
  'job.ttl_expired',
  'job.progress',
  'job.checkpointed',
  // A transition without a kind of its own: a requeue, the end of a backoff (ojs-realtime §6).
  'job.state_changed',
  'queue.paused',
  'queue.resumed',
  'workflow.created',
  'workflow.started',
  'workflow.step_completed',
  'workflow.step_failed',
  'workflow.job_completed',
  'workflow.job_failed',
  'workflow.callback_fired',
  'workflow.completed',
  'workflow.failed',
  'workflow.cancelled',
  'cron.triggered',
  'cron.skipped',
  'worker.started',
  'worker.quiet',
  'worker.stopped',
  'worker.heartbeat',
  'backpressure.rejected',
  'bulk.enqueue.completed',
  'bulk.cancel.completed',
  'bulk.retry.completed',
  'bulk.delete.completed',
  // A change of a waiting job by hand; no kind of the specification says so.
  'job.updated',
  // A dead step was retried; no kind of the specification says so.
  'workflow.reopened',
  // A job waits in a durable step; no kind of the specification says so.
  'job.waiting',
] as const;

export type EventKind = (typeof eventKinds)[number];

/**
 * The kinds of events of jobs without any failure: most events of a log. Storages index the batches that have any other
 * kind, so writing these costs no more, and a reader of other kinds does not meet them.
 */
export const commonKinds = [
  'job.enqueued',
  'job.started',
  'job.heartbeat',
  'job.completed',
  'workflow.job_completed',
] as const satisfies readonly EventKind[];

export type CommonKind = (typeof commonKinds)[number];

const common: ReadonlySet<EventKind> = new Set(commonKinds);
const byName: ReadonlyMap<string, EventKind> = new Map(eventKinds.map((kind) => [kind, kind]));
const bits: ReadonlyMap<EventKind, number> = new Map(eventKinds.map((kind, at) => [kind, 2 ** at]));

/** The kinds by which storages index batches. */
export const indexedKinds: readonly EventKind[] = eventKinds.filter((kind) => !common.has(kind));

export function isIndexed(kind: EventKind): boolean {
  return !common.has(kind);
}

/** The kinds that an index can find; null where it has not all of them, so that every batch must be read. */
export function indexedOnly(kinds: readonly EventKind[] | undefined): readonly EventKind[] | null {
  return kinds?.every(isIndexed) ? kinds : null;
}

/** A bit for each kind, below 2^53. */
export function kindMask(kinds: readonly EventKind[]): number {
  return [...new Set(kinds)].reduce((sum, kind) => sum + (bits.get(kind) ?? 0), 0);
}

/** The kind of the event that this text is; undefined for an unknown one. */
export function kindOf(entry: string): EventKind | undefined {
  return byName.get(entry.slice(2, entry.indexOf('"', 2)));
}

/** The indexed kinds in the text of a batch. Data of users that looks like an event may add one that is not there. */
export function kindsIn(entries: string): readonly EventKind[] {
  const found = new Set<EventKind>();
  for (const [, name = ''] of entries.matchAll(/\["([a-z_.]+)",/g)) {
    const kind = byName.get(name);
    if (kind !== undefined && isIndexed(kind)) found.add(kind);
  }
  return [...found];
}
