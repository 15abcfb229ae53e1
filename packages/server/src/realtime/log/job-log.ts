import type { Clock } from '@ojs-ts/core';
import type { EventKind } from '@ojs-ts/core/events';
import { State, stateName } from '@ojs-ts/core/job';
import type { EngineLog } from '../../engine/options.ts';
import type { Storage } from '../../storage/storage.ts';
import type { EventSubscriptions, Subscription } from './event-subscriptions.ts';
import type { LogEvent } from './log-events.ts';

interface Line {
  readonly level: 'trace' | 'debug' | 'info' | 'warn';
  readonly message: string;
  /** Written for every job, however few of them are chosen. */
  readonly always?: true;
}

/** The lines about changes of jobs (ojs-logging §6.1). Failed executions have theirs from `logFailure`. */
const changes: Partial<Record<EventKind, Line>> = {
  'job.enqueued': { level: 'info', message: 'Job enqueued' },
  'job.scheduled': { level: 'info', message: 'Job scheduled' },
  'job.started': { level: 'debug', message: 'Job fetched by worker' },
  'job.completed': { level: 'info', message: 'Job completed successfully' },
  'job.cancelled': { level: 'info', message: 'Job cancelled', always: true },
  'job.discarded': { level: 'warn', message: 'Job discarded', always: true },
  'job.expired': { level: 'warn', message: 'Job expired', always: true },
  'job.ttl_expired': { level: 'warn', message: 'Job expired', always: true },
  'job.total_timeout': { level: 'warn', message: 'Job expired', always: true },
  'job.state_changed': { level: 'debug', message: 'Job state changed' },
};

/** The lines about an execution that continues. */
const reports: Partial<Record<EventKind, Line>> = {
  'job.heartbeat': { level: 'trace', message: 'Job heartbeat' },
  'job.progress': { level: 'trace', message: 'Job progress' },
  'job.checkpointed': { level: 'trace', message: 'Job checkpoint saved' },
};

export interface JobLogOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly subscriptions: EventSubscriptions;
  readonly holder: string;
  /** One in so many jobs has lines, from its enqueue to its end. */
  readonly oneIn: number;
}

const leaseName = 'job-log';
const leaseMs = 15_000;
/** How often the lease is renewed, in milliseconds. */
export const jobLogMs = 5_000;

/**
 * Writes the lifecycle of jobs to the log. The source is the event log of the store, so a call waits for nothing, and
 * jobs of upkeep, crons, workflows and users' transactions have lines too. One server of a store writes for all of
 * them. When it dies, another follows within 15 s; the changes until then have no lines.
 */
export class JobLog {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #subscriptions: EventSubscriptions;
  readonly #holder: string;
  readonly #oneIn: number;
  #subscription: Subscription | null = null;

  constructor({ storage, clock, log, subscriptions, holder, oneIn }: JobLogOptions) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
    this.#subscriptions = subscriptions;
    this.#holder = holder;
    this.#oneIn = oneIn;
  }

  /** Takes or renews the lease, and follows the event log while this server has it. */
  async tend(): Promise<void> {
    if (!(await this.#storage.upkeep.lease(leaseName, this.#holder, leaseMs, this.#clock.now()))) {
      this.#leave();
      return;
    }
    if (this.#subscription !== null) return;
    const subscription = this.#subscriptions.subscribe('all', { onEvent: (event) => this.#write(event) });
    this.#subscription = subscription;
    await subscription.live.catch((error: unknown) => {
      this.#leave();
      throw error;
    });
  }

  async stop(): Promise<void> {
    this.#leave();
    // If the store is unreachable, the lease ends by itself.
    await this.#storage.upkeep.release(leaseName, this.#holder).catch(() => {});
  }

  #leave(): void {
    this.#subscription?.close();
    this.#subscription = null;
  }

  #write(event: LogEvent): void {
    const [kind, id, type, queue, from, state, attempt, worker, startedAt, trace] = event.entry;
    if (type === null || id === null || state === null) return;
    const line = from === null || event.moves ? changeOf(event) : (reports[kind] ?? null);
    if (line === null || !(line.always || isChosen(id, this.#oneIn))) return;
    const ran = from === State.active && state !== from && startedAt !== null;
    const fields = {
      category: 'lifecycle',
      job_id: id,
      job_type: type,
      queue,
      attempt,
      state: stateName(state),
      worker_id: worker,
      trace_id: trace,
      at: new Date(event.at).toISOString(),
      ...(from !== null && from !== state && { previous_state: stateName(from) }),
      ...(ran && { duration_ms: Math.max(0, event.at - startedAt) }),
    };
    this.#log[line.level](fields, line.message);
  }
}

/** The line about a change by its first event; null for the end of an execution that failed. */
function changeOf({ entry: [kind, , , , from] }: LogEvent): Line | null {
  if (kind === 'job.total_timeout' && from === State.active) return null;
  return changes[kind] ?? null;
}

/** The end of a UUIDv7 is random, so all servers choose the same jobs. */
function isChosen(id: string, oneIn: number): boolean {
  return oneIn === 1 || Number.parseInt(id.slice(-8), 16) % oneIn === 0;
}
