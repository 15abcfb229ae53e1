import { platform } from '#platform';
import { type Connection, once } from '../../connection/connection.ts';
import { textOf, textsOf, type Wire } from '../../json.ts';
import type { LoadMeter } from '../../platform/platform.ts';
import { defaultUrl, type HttpOptions } from '../../transport/http.ts';
import type { WorkerSettings } from '../options.ts';
import type { ConnectionLog } from '../worker-log.ts';
import {
  type About,
  type Directive,
  directiveIn,
  heartbeatBody,
  type Identity,
  type Listed,
  type ReportedState,
} from './heartbeat-message.ts';
import type { HeartbeatNews, HeartbeatThread } from './heartbeat-thread.ts';
import type { LeasedJob } from './leased-job.ts';
import type { LeasedJobs } from './leased-jobs.ts';
import { SharedLeases } from './shared-leases.ts';
import { SharedLoad } from './shared-load.ts';

export interface HeartbeatServices {
  readonly connection: Connection;
  readonly leasedJobs: LeasedJobs;
  readonly settings: WorkerSettings;
  readonly identity: Identity;
  readonly connectionLog: ConnectionLog;
  state(): ReportedState;
  lose(leased: LeasedJob, message: string): void;
  /** Obeys the order in the server's answer; null if the answer has no order. */
  obey(order: Directive): void;
  beaten(): void;
  /** Requests that were sent before may have lost their answers. */
  answersLost(): void;
}

/** The default timeout of a job: a handler that blocks for longer is taken for one that never ends. */
const maxBlockedS = 1_800;
/** Room for jobs whose outcome is on its way, beside those that run: a few requests of them. */
const placesPerSlot = 4;

/**
 * Reports to the server that this worker lives and which jobs it holds (ojs-worker-protocol §4). A failure changes
 * nothing. A thread sends it where possible, so that a handler that blocks the event loop keeps its leases; its answers
 * take effect when the event loop runs again.
 */
export class Heartbeat {
  readonly #services: HeartbeatServices;
  readonly #about: About;
  readonly #answerMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #shared: SharedLeases | null = null;
  #load: { readonly meter: LoadMeter; readonly shared: SharedLoad } | null = null;
  #thread: HeartbeatThread | null = null;
  #threadBeats = false;
  #failing = false;
  #serverTime: string | undefined;

  constructor(services: HeartbeatServices) {
    const { settings, connection } = services;
    this.#services = services;
    // Below the interval, so that a beat that hangs never takes the place of the next one.
    this.#answerMs = Math.min(settings.heartbeatMs * 0.8, connection.timeoutMs);
    this.#about = {
      ...services.identity,
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
    const meter = platform.startLoadMeter?.() ?? null;
    if (meter !== null) this.#load = { meter, shared: new SharedLoad() };
    this.#startThread();
    this.pulse();
    this.#tick();
    this.#timer = setInterval(() => {
      if (!this.#threadBeats || this.#shared?.whole === false) this.#tick();
    }, this.#services.settings.heartbeatMs);
  }

  /** A heartbeat that lists every job leased at this moment. */
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

  /** As {@link beat}, and logs a failure. */
  tell(): Promise<void> {
    return this.beat().catch((error: unknown) => this.#warn(error));
  }

  /** The event loop runs; `state()` may have changed. */
  pulse(): void {
    this.#load?.shared.put(this.#load.meter.read());
    if (this.#shared === null) return;
    this.#shared.pulse();
    this.#shared.state = this.#services.state();
  }

  /** After the last one, which says that the worker is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#thread?.stop();
    await this.tell();
    this.#load?.meter.stop();
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
    const listed = [...this.#services.leasedJobs];
    const { openFetches } = this.#services.leasedJobs;
    const held = { openFetches, listed, serverTime: this.#serverTime };
    const body = heartbeatBody(this.#about, reported, held, this.#load?.shared.take());
    const answer = await once(this.#services.connection, { operation: 'worker.heartbeat', body }, this.#answerMs);
    this.#answered(reported, listed, answer, performance.now());
  }

  #answered(reported: ReportedState, listed: readonly LeasedJob[], answer: Wire, at: number): void {
    this.#services.beaten();
    this.#services.connectionLog.answered('heartbeat');
    this.#serverTime = textOf(answer.server_time) ?? this.#serverTime;
    if (this.#failing) this.#services.answersLost();
    this.#failing = false;
    this.#renew(listed, answer, at + this.#services.settings.visibilityMs);
    // A heartbeat of the thread may arrive behind the one that reported the end of a quiet.
    if (reported === 'quiet' && this.#services.state() === 'running') void this.tell();
    this.#services.obey(directiveIn(answer, reported));
  }

  /** A settled job is not lost by what a heartbeat says: the answer to its outcome decides. */
  #renew(listed: readonly LeasedJob[], answer: Wire, leaseUntil: number): void {
    const extended = textsOf(answer.jobs_extended);
    const renewed = extended && new Set(extended);
    const cancelled = new Set(textsOf(answer.jobs_cancelled));
    for (const leased of listed) {
      if (!this.#services.leasedJobs.has(leased)) continue;
      if (!cancelled.has(leased.id) && (renewed === undefined || renewed.has(leased.id)))
        leased.leaseUntil = leaseUntil;
      else
        this.#services.lose(
          leased,
          'The job no longer belongs to this worker: it was cancelled, or its lease was lost.',
        );
    }
  }

  /**
   * Not for a transport that was given, nor where functions of the caller's take part in a request: those live in this
   * thread.
   */
  #startThread(): void {
    const { settings, leasedJobs, connection } = this.#services;
    const { http } = connection;
    if (!settings.heartbeatThread || platform.startHeartbeats === undefined || http === null) return;
    const { base, headers, token, fetch, tls } = http;
    if (fetch !== undefined || typeof token === 'function' || mayMove(http)) return;
    const slots = settings.concurrency + settings.prefetch;
    const shared = SharedLeases.for(placesPerSlot * slots + 64);
    const plan = {
      url: base.href,
      headers,
      token,
      tls,
      about: this.#about,
      everyMs: settings.heartbeatMs,
      answerMs: this.#answerMs,
      maxBlockedS,
      leases: shared.buffer,
      load: this.#load?.shared.buffer,
    };
    this.#shared = shared;
    // The thread lists a job for so long after its deadline, because its outcome may be on its way.
    leasedJobs.mirror(shared, settings.visibilityMs);
    // A thread that other workers have started may look at once.
    this.pulse();
    try {
      this.#thread = platform.startHeartbeats(plan, {
        news: (news) => this.#hear(news),
        gone: (error) => this.#alone(error),
      });
    } catch (error) {
      this.#shared = null;
      this.#alone(error);
    }
  }

  #hear(news: HeartbeatNews): void {
    if (news.kind === 'ready') {
      this.#threadBeats = true;
      this.#services.connection.logger.debug('heartbeat thread started');
    } else if (news.kind === 'failed') this.#warn(news.error);
    else if (news.kind === 'silent') {
      const fields = { blocked_s: news.blockedS };
      this.#services.connection.logger.error(
        'heartbeats ended: the event loop was blocked for too long, and the worker gave up its jobs',
        fields,
      );
    } else {
      const age = Math.max(0, Date.now() - news.at);
      this.#answered(news.state, this.#heldOf(news.listed), news.answer, performance.now() - age);
    }
  }

  /** Returns the jobs that are still the same claims. */
  #heldOf(listed: readonly Listed[]): LeasedJob[] {
    return listed.flatMap(({ id, lease }) => {
      const leased = this.#services.leasedJobs.get(id);
      return leased !== undefined && leased.lease === lease ? [leased] : [];
    });
  }

  #alone(error: unknown): void {
    this.#threadBeats = false;
    this.#services.leasedJobs.mirror(null);
    this.#services.connection.logger.warn('heartbeat thread missing: a handler that blocks may lose its lease', {
      error: String(error),
    });
  }

  #warn(error: unknown): void {
    this.#failing = true;
    this.#services.connectionLog.failed('heartbeat', error);
  }
}

/**
 * Reports whether the server is one of `ojs dev`: the thread knows one URL, and that server may start later or
 * elsewhere.
 */
function mayMove({ find }: HttpOptions): boolean {
  try {
    return find !== undefined && find().origin !== defaultUrl;
  } catch {
    return true;
  }
}
