import type { Connection } from '../connection.ts';
import { textOf, textsOf, type Wire } from '../json.ts';
import type { Held } from './held.ts';
import type { Holdings } from './holdings.ts';
import type { WorkerSettings } from './options.ts';

/** A worker's state on the wire (ojs-worker-protocol §2). */
export type Lifecycle = 'running' | 'quiet' | 'terminate';

export interface HeartbeatServices {
  readonly connection: Connection;
  readonly holdings: Holdings;
  readonly settings: WorkerSettings;
  readonly about: { readonly worker_id: string; readonly hostname: string; readonly pid: number; readonly started_at: string };
  state(): Lifecycle;
  lose(held: Held, message: string): void;
  /** What the server ordered in its answer; null where it ordered nothing. */
  obey(order: Order): void;
  beaten(): void;
}

/** `running` only where the server says so by a directive of its own: an echoed state is no order. */
export type Order = 'running' | 'quiet' | 'terminate' | null;

const severity: readonly string[] = ['running', 'quiet', 'terminate'];

/** Tells the server that this worker lives and which jobs it holds (ojs-worker-protocol §4). A failure changes nothing. */
export class Heartbeat {
  readonly #services: HeartbeatServices;
  #timer: ReturnType<typeof setInterval> | undefined;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(services: HeartbeatServices) {
    this.#services = services;
  }

  /** The first one at once. */
  start(): void {
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), this.#services.settings.heartbeatMs);
  }

  /** One that lists every job held at this moment. */
  beat(): Promise<void> {
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  /** After the last one, which says that the worker is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.beat().catch((error: unknown) => this.#warn(error));
  }

  #tick(): void {
    if (this.#current === null) this.#begin().catch((error: unknown) => this.#warn(error));
  }

  #begin(): Promise<void> {
    this.#current = this.#send().finally(() => {
      this.#current = null;
    });
    return this.#current;
  }

  async #send(): Promise<void> {
    const { connection, settings } = this.#services;
    const reported = this.#services.state();
    const listed = [...this.#services.holdings];
    const body = JSON.stringify(this.#body(reported, listed));
    // Below the interval, so that a beat that hangs never takes the place of the next one.
    const ms = Math.min(settings.heartbeatMs * 0.8, connection.timeoutMs);
    const answer = await connection.once({ operation: 'worker.heartbeat', body }, ms);
    this.#services.beaten();
    this.#renew(listed, answer, performance.now() + settings.visibilityMs);
    this.#services.obey(orderIn(answer, reported));
  }

  #body(state: Lifecycle, listed: readonly Held[]): Wire {
    const { about, settings } = this.#services;
    const ids = listed.map((held) => held.id);
    return {
      ...about,
      state,
      // Both dialects read this: ids in an array (ojs-http-binding §10.4), and ids beside a count (ojs-worker-protocol §4), digest §10.3.
      active_jobs: ids,
      active_job_ids: ids,
      active_job_count: ids.length,
      leases: Object.fromEntries(listed.flatMap((held) => (held.lease === undefined ? [] : [[held.id, held.lease]]))),
      visibility_timeout_ms: settings.visibilityMs,
      queues: settings.queues,
      concurrency: settings.concurrency,
      labels: settings.labels,
    };
  }

  /** A settled job is not lost by what a heartbeat says: the answer to its outcome decides. */
  #renew(listed: readonly Held[], answer: Wire, leaseUntil: number): void {
    const extended = textsOf(answer.jobs_extended);
    const renewed = extended && new Set(extended);
    const cancelled = new Set(textsOf(answer.jobs_cancelled));
    for (const held of listed) {
      if (!this.#services.holdings.has(held)) continue;
      if (!cancelled.has(held.id) && (renewed === undefined || renewed.has(held.id))) held.leaseUntil = leaseUntil;
      else this.#services.lose(held, 'The server no longer counts the job as ours: it was cancelled, or its lease was lost.');
    }
  }

  #warn(error: unknown): void {
    this.#services.connection.logger.warn('A heartbeat failed; the worker goes on as it is.', { error: String(error) });
  }
}

function orderIn(answer: Wire, reported: Lifecycle): Order {
  const directive = textOf(answer.directive) ?? '';
  const state = textOf(answer.state) ?? '';
  const echoed = severity.indexOf(state) <= severity.indexOf(reported);
  const worst = Math.max(severity.indexOf(directive), echoed ? -1 : severity.indexOf(state));
  if (worst === 2) return 'terminate';
  if (worst === 1) return 'quiet';
  return worst === 0 ? 'running' : null;
}
