import { platform } from '#platform';
import { type Connection, once } from '../connection/connection.ts';
import { textsOf, type Wire } from '../json.ts';
import { type About, beatBody, type Listed, type Order, orderIn, type ReportedState } from './beat.ts';
import type { HeartbeatNews, HeartbeatThread } from './heartbeat-plan.ts';
import type { Held } from './held.ts';
import type { Holdings } from './holdings.ts';
import type { WorkerSettings } from './options.ts';
import type { Reach } from './reach.ts';
import { SharedHoldings } from './shared-holdings.ts';

export interface HeartbeatServices {
  readonly connection: Connection;
  readonly holdings: Holdings;
  readonly settings: WorkerSettings;
  readonly workerId: string;
  readonly reach: Reach;
  state(): ReportedState;
  lose(held: Held, message: string): void;
  /** What the server ordered in its answer; null where it ordered nothing. */
  obey(order: Order): void;
  beaten(): void;
  /** One was answered after one that was not. */
  recovered(): void;
}

/** The default timeout of a job: a handler that blocks for longer is taken for one that never ends. */
const maxBlockedS = 1_800;
/** Beside the jobs that run there are those whose outcome is on its way: some turns of them. */
const placesPerSlot = 4;

/**
 * Tells the server that this worker lives and which jobs it holds (ojs-worker-protocol §4). A failure changes nothing. Where it can be a thread
 * does it, so that a handler that blocks the event loop keeps its leases; its answers take effect when the event loop turns again.
 */
export class Heartbeat {
  readonly #services: HeartbeatServices;
  readonly #about: About;
  readonly #answerMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #shared: SharedHoldings | null = null;
  #thread: HeartbeatThread | null = null;
  #threadBeats = false;
  #failing = false;

  constructor(services: HeartbeatServices) {
    const { settings, connection } = services;
    this.#services = services;
    // Below the interval, so that a beat that hangs never takes the place of the next one.
    this.#answerMs = Math.min(settings.heartbeatMs * 0.8, connection.timeoutMs);
    this.#about = {
      worker_id: services.workerId,
      hostname: platform.process?.hostname ?? '',
      pid: platform.process?.pid ?? 0,
      started_at: new Date().toISOString(),
      visibility_timeout_ms: settings.visibilityMs,
      queues: settings.queues,
      concurrency: settings.concurrency,
      labels: settings.labels,
    };
  }

  /** The first one at once. */
  start(): void {
    this.#startThread();
    this.#tick();
    this.#timer = setInterval(() => {
      if (!this.#threadBeats || this.#shared?.whole === false) this.#tick();
    }, this.#services.settings.heartbeatMs);
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

  /** The event loop turns; `state()` may have changed. */
  pulse(): void {
    if (this.#shared === null) return;
    this.#shared.pulse();
    this.#shared.state = this.#services.state();
  }

  /** After the last one, which says that the worker is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#thread?.stop();
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
    const reported = this.#services.state();
    const listed = [...this.#services.holdings];
    const body = beatBody(this.#about, reported, listed);
    const answer = await once(this.#services.connection, { operation: 'worker.heartbeat', body }, this.#answerMs);
    this.#answered(reported, listed, answer, performance.now());
  }

  #answered(reported: ReportedState, listed: readonly Held[], answer: Wire, at: number): void {
    this.#services.beaten();
    this.#services.reach.answered('heartbeat');
    if (this.#failing) this.#services.recovered();
    this.#failing = false;
    this.#renew(listed, answer, at + this.#services.settings.visibilityMs);
    this.#services.obey(orderIn(answer, reported));
  }

  /** A settled job is not lost by what a heartbeat says: the answer to its outcome decides. */
  #renew(listed: readonly Held[], answer: Wire, leaseUntil: number): void {
    const extended = textsOf(answer.jobs_extended);
    const renewed = extended && new Set(extended);
    const cancelled = new Set(textsOf(answer.jobs_cancelled));
    for (const held of listed) {
      if (!this.#services.holdings.has(held)) continue;
      if (!cancelled.has(held.id) && (renewed === undefined || renewed.has(held.id))) held.leaseUntil = leaseUntil;
      else
        this.#services.lose(
          held,
          'The server no longer counts the job as ours: it was cancelled, or its lease was lost.',
        );
    }
  }

  /** Not for a transport that was given, nor where functions of the caller's take part in a request: those live in this thread. */
  #startThread(): void {
    const { settings, holdings, connection } = this.#services;
    const { http } = connection;
    if (!settings.heartbeatThread || platform.startHeartbeats === undefined || http === null) return;
    const { base, headers, token, fetch, tls } = http;
    if (fetch !== undefined || typeof token === 'function') return;
    const slots = settings.concurrency + settings.prefetch;
    const shared = SharedHoldings.for(placesPerSlot * slots + 64);
    const plan = {
      url: base.href,
      headers,
      token,
      tls,
      about: this.#about,
      everyMs: settings.heartbeatMs,
      answerMs: this.#answerMs,
      maxBlockedS,
      holdings: shared.buffer,
    };
    try {
      this.#thread = platform.startHeartbeats(plan, {
        news: (news) => this.#hear(news),
        gone: (error) => this.#alone(error),
      });
    } catch (error) {
      this.#alone(error);
      return;
    }
    this.#shared = shared;
    // An outcome of the last moment has as long as any to arrive.
    holdings.mirror(shared, settings.visibilityMs);
    this.pulse();
  }

  #hear(news: HeartbeatNews): void {
    if (news.kind === 'ready') {
      this.#threadBeats = true;
      this.#services.connection.logger.debug('heartbeat thread started');
    } else if (news.kind === 'failed') this.#warn(news.error);
    else if (news.kind === 'silent') {
      const fields = { blocked_s: news.blockedS };
      this.#services.connection.logger.error(
        'heartbeats ended: the event loop stood still for too long, and the jobs were given up',
        fields,
      );
    } else {
      const age = Math.max(0, Date.now() - news.at);
      this.#answered(news.state, this.#heldOf(news.listed), news.answer, performance.now() - age);
    }
  }

  /** Those that are still the same claims. */
  #heldOf(listed: readonly Listed[]): Held[] {
    return listed.flatMap(({ id, lease }) => {
      const held = this.#services.holdings.get(id);
      return held !== undefined && held.lease === lease ? [held] : [];
    });
  }

  #alone(error: unknown): void {
    this.#threadBeats = false;
    this.#services.holdings.mirror(null);
    this.#services.connection.logger.warn('heartbeat thread missing: a handler that blocks may lose its lease', {
      error: String(error),
    });
  }

  #warn(error: unknown): void {
    this.#failing = true;
    this.#services.reach.failed('heartbeat', error);
  }
}
