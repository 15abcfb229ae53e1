import { OJSError } from '../errors.ts';
import { timerMs } from '../options/duration.ts';
import type { WorkerState } from './health.ts';
import type { ReportedState } from './leases/heartbeat-message.ts';

/** The phases of a worker from its creation to its end, and the promises about them. */
export class Lifecycle {
  readonly #ready = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #patienceOver = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #patience = new Set<ReturnType<typeof setTimeout>>();
  #phase: 'new' | 'started' | 'terminate' | 'ended' = 'new';
  #broken: { readonly error: unknown } | null = null;
  quietByUser = false;
  quietByServer = false;

  constructor() {
    this.ready.catch(() => {});
  }

  /** The first fetch was answered. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when the worker is to end. */
  get ending(): Promise<void> {
    return this.#ending.promise;
  }

  /** Resolves at the end of the grace period. */
  get patienceOver(): Promise<void> {
    return this.#patienceOver.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isNew(): boolean {
    return this.#phase === 'new';
  }

  /** True if the worker fetches jobs. */
  get takesJobs(): boolean {
    return this.#phase === 'started' && this.reported === 'running';
  }

  get state(): WorkerState {
    return this.#phase === 'new' || this.#phase === 'ended' ? 'idle' : this.reported;
  }

  /** The state in heartbeats. */
  get reported(): ReportedState {
    if (this.#phase === 'terminate') return 'terminate';
    return this.quietByUser || this.quietByServer ? 'quiet' : 'running';
  }

  /** @throws {OJSError} for a second call. */
  begin(): void {
    if (!this.isNew)
      throw new OJSError(
        `A worker starts once; this one is ${this.#phase === 'ended' ? 'stopped' : 'running'}. Make a new one.`,
      );
    this.#phase = 'started';
  }

  fetched(): void {
    this.#ready.resolve();
  }

  /** The first error is the one that counts. */
  break(error: unknown): void {
    this.#broken ??= { error };
  }

  /** False if the worker has not started or has ended. The shortest grace period of all calls applies. */
  terminate(ms: number): boolean {
    if (this.#phase === 'ended' || this.#phase === 'new') return false;
    this.#phase = 'terminate';
    this.#patience.add(setTimeout(() => this.#patienceOver.resolve(), timerMs(ms)));
    this.#ending.resolve();
    return true;
  }

  end(): void {
    this.#phase = 'ended';
    for (const timer of this.#patience) clearTimeout(timer);
    this.#ready.reject(this.#broken?.error ?? new OJSError('The worker ended before its first fetch was answered.'));
    this.#ended.resolve();
  }

  /** @throws the error that broke the worker. */
  throwIfBroken(): void {
    if (this.#broken !== null) throw this.#broken.error;
  }
}
