import { isMailed, type StepKind, stepLimits, undoPrefix } from '@ojs-ts/core/durable';
import { macrotask } from '../../connection/pause.ts';
import { OJSError } from '../../errors.ts';
import { timerMs } from '../../options/duration.ts';
import { plain } from './codec.ts';
import { StepKindError, Suspended } from './errors.ts';
import type { StepsHost, Suspension } from './host.ts';
import { Idle } from './idle.ts';
import { Deliveries } from './order.ts';
import { type FailedTry, type Row, readRow, type StepWrite } from './row.ts';
import type { StepStore } from './store.ts';
import { stepErrorOf } from './value.ts';

/** The end of a call: its place among the outcomes of the job, and what the handler gets. */
export type Outcome =
  | {
      readonly number: number;
      readonly value: unknown;
      readonly isPayload?: boolean;
      readonly workflow?: string | undefined;
    }
  | { readonly number: number; readonly error: Error };

/** An open wait, which a suspension names. */
export interface Wait {
  readonly kind: StepKind | 'retry';
  /** When it ends in this process, from now on. Absent if the end is recorded: only the server's clock knows it. */
  readonly ms?: number;
  /** Without `ms`: the length of the wait that middleware sees. */
  readonly laterMs?: number;
  /** The row that a suspension writes, after `leftMs` until the end. */
  readonly write?: (leftMs: number) => StepWrite;
  /** The failed try that a suspension reports. */
  readonly failed?: (leftMs: number) => FailedTry;
}

interface OpenWait extends Wait {
  readonly endsAt: number;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** The longest wait that one timer can end. A longer one outlives every execution. Milliseconds. */
const maxTimerMs = 2 ** 31 - 1;
/** A wait up to this stays in the process. Milliseconds. */
const inProcessMs = 1_000;
/** The longest wait that occupies a worker, where the server cannot suspend a job. Milliseconds. */
const maxHeldMs = 15 * 60_000;

/** How waits of this execution end: by a suspension, by holding the slot, or at once. */
export type Waiting = 'suspend' | 'hold' | 'skip';

/** The durable calls of one execution: which ones run, which ones wait, and in which order their outcomes arrive. */
export class Calls {
  readonly #host: StepsHost;
  readonly #store: StepStore;
  readonly #disturbed: () => void;
  readonly #deliveries = new Deliveries();
  readonly #idle: Idle;
  readonly #waits = new Map<string, OpenWait>();
  /** Waits that hold the slot. A wait that is open when the handler ends stays here. */
  readonly #held = new Set<ReturnType<typeof setTimeout>>();
  /** Outcomes that are recorded with the next record. */
  #later: StepWrite[] = [];
  /** Calls that neither wait nor have ended. */
  #active = 0;
  /** Functions of the user that run. */
  #functions = 0;
  /** Calls that have not ended, for a handler that begins again beside them. */
  readonly #open = new Map<string, Promise<unknown>>();
  #number = 0;
  #state: 'open' | 'ending' | 'over' | 'suspended' = 'open';
  #ended: (() => void) | undefined;
  /** Calls of the handler that have no outcome, where it gets recorded outcomes only. */
  #stopped = 0;
  readonly #replayed = Promise.withResolvers<void>();
  readonly waiting: Waiting;

  /**
   * @param suspendAfterMs how long nothing but waits may happen before the job is suspended.
   * @param disturbed is called when the handler of a suspended job calls something all the same.
   */
  constructor(host: StepsHost, store: StepStore, waiting: Waiting, suspendAfterMs: number, disturbed: () => void) {
    this.#host = host;
    this.#store = store;
    this.waiting = waiting;
    this.#disturbed = disturbed;
    const isWaiting = () => this.#state === 'open' && this.#waits.size + this.#stopped > 0 && this.#active === 0;
    this.#idle = new Idle(suspendAfterMs, isWaiting, () => {
      if (this.#stopped === 0) this.#suspend();
      this.#stopped = 0;
      this.#replayed.resolve();
    });
    if (host.leased.aborted) this.#over();
    else host.leased.signal.addEventListener('abort', () => this.#over(), { once: true });
  }

  /** True once the handler has ended: a failed try is not repeated. */
  get isEnding(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Runs `work` with the row of this name, or delivers its recorded outcome.
   * @param read converts the payload of a signal to what the handler gets. If it throws, the call rejects.
   */
  call(
    name: string,
    kind: StepKind,
    work: (row: Row | undefined) => Promise<Outcome>,
    read?: ReadPayload,
  ): Promise<unknown> {
    const before = this.#open.get(name);
    if (before !== undefined) return before;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#state !== 'open') {
      if (this.#state === 'suspended') this.#disturbed();
      this.#freezeIfStuck(1);
      return promise;
    }
    this.#open.set(name, promise);
    this.#active++;
    this.#idle.touch();
    const end = (settle: () => void) => {
      this.#open.delete(name);
      settle();
      this.#leave();
    };
    const outcome = this.#outcome(name, kind, work);
    (read === undefined ? outcome : converted(outcome, read)).then(
      (outcome) =>
        this.#deliveries.add(outcome.number, () =>
          end(() => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value))),
        ),
      (error: unknown) => this.#state !== 'over' && end(() => reject(error)),
    );
    return promise;
  }

  async #outcome(name: string, kind: StepKind, work: (row: Row | undefined) => Promise<Outcome>): Promise<Outcome> {
    const row = await this.#store.find(name);
    this.#number = Math.max(this.#number, this.#store.lastNumber);
    if (this.#host.undoes && !name.startsWith(undoPrefix) && (row === undefined || row.state === 'open'))
      return this.#stop();
    if (row === undefined) return work(row);
    if (row.kind !== kind) {
      const message =
        `The step "${name}" is recorded as ${row.kind}, and the handler now uses the name for ${kind}. ` +
        'Give it another name.';
      throw new StepKindError(message, { jobId: this.#host.jobId });
    }
    return row.state === 'open' ? work(row) : this.recorded(row);
  }

  #stop(): Promise<never> {
    this.#stopped++;
    return this.halt();
  }

  /** The handler of a job that undoes does not get further than here. */
  stop(): Promise<never> {
    this.#active++;
    return this.#stop();
  }

  /** Resolves when a handler that gets recorded outcomes only has got all of them. */
  get replayed(): Promise<void> {
    return this.#replayed.promise;
  }

  rows(): Promise<readonly Row[]> {
    return this.unlessOver(this.#store.all());
  }

  /** The outcome of a row that is final. */
  async recorded(row: Row): Promise<Outcome> {
    const { number, name, tries, error } = row;
    const codec = this.#host.codec();
    if (row.state === 'failed')
      return { number, error: await stepErrorOf(name, tries, error, this.#host.jobId, codec) };
    const value = row.state === 'expired' ? undefined : await this.#store.valueOf(row);
    if (isMailed(row.kind)) return this.#signalled(row, value);
    return { number, value: value === undefined ? undefined : await codec.decode(value) };
  }

  /** Only a payload that its sender has encoded is decoded: anybody may send any other. */
  async #signalled({ name, number, state, isEncoded, workflow }: Row, value: unknown): Promise<Outcome> {
    const codec = this.#host.codec();
    if (!isEncoded) return { number, value, isPayload: state === 'done', workflow };
    if (codec === plain) {
      const message =
        `The payload of the signal for the step "${name}" is encoded, and this worker cannot decode it. ` +
        'Add encryptionMiddleware() with the codec of the sender.';
      throw new OJSError(message, { jobId: this.#host.jobId });
    }
    return { number, value: await codec.decode(value), isPayload: true };
  }

  nextNumber(): number {
    return ++this.#number;
  }

  /** A number for an outcome that is on its way: higher ones wait until it is recorded or {@link forgo given up}. */
  reserveNumber(): number {
    const number = this.nextNumber();
    this.#deliveries.expect(number);
    return number;
  }

  forgo(number: number): void {
    this.#deliveries.drop(number);
  }

  /** The outcome that a transaction of the user has recorded; undefined if there is none. */
  async committed(name: string): Promise<Outcome | undefined> {
    const row = await this.#store.current(name);
    if (row === undefined || row.state === 'open') return undefined;
    // Nothing but this says to the server that the job has rows. The outcome stays.
    const { kind, number, tries } = row;
    await this.unlessOver(this.#store.record([{ name, kind, state: 'open', number, tries }]));
    return this.recorded(row);
  }

  /** Counts a function of the user while it runs. */
  async running<T>(work: () => Promise<T>): Promise<T> {
    this.#functions++;
    try {
      return await work();
    } finally {
      this.#functions--;
      this.#freezeIfStuck();
    }
  }

  /** The end of a try, unless the execution is over: then the call stays as it is. */
  async unlessOver<T>(work: Promise<T>): Promise<T> {
    const end = await work;
    return this.#state === 'over' ? new Promise(() => {}) : end;
  }

  /** The call does not continue, because its handler has ended. */
  halt(): Promise<never> {
    this.#leave();
    return new Promise(() => {});
  }

  /**
   * Waits for the end of the wait in this process. If the job is suspended before, this never settles.
   * @throws {OJSError} if the wait is too long for a server that cannot suspend jobs.
   */
  async wait(name: string, wait: Wait): Promise<void> {
    const { ms } = wait;
    if (this.waiting === 'skip' && !isMailed(wait.kind)) return new Promise((resolve) => macrotask(resolve));
    if (ms !== undefined && (ms <= inProcessMs || this.waiting === 'hold')) return this.#hold(ms);
    return new Promise((resolve) => {
      const wake = () => {
        this.#waits.delete(name);
        this.#active++;
        this.#idle.touch();
        resolve();
      };
      const timer = ms === undefined || ms > maxTimerMs ? undefined : setTimeout(wake, ms);
      this.#waits.set(name, { ...wait, timer, endsAt: performance.now() + (ms ?? wait.laterMs ?? 0) });
      this.#leave();
    });
  }

  async #hold(ms: number): Promise<void> {
    if (ms > maxHeldMs) {
      throw new OJSError(
        `The server does not support durable steps (the extension x-steps), so a wait occupies the worker and can ` +
          `take ${maxHeldMs / 60_000} minutes at most; got ${Math.round(ms / 60_000)} minutes.`,
        { jobId: this.#host.jobId },
      );
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#held.delete(timer);
        resolve();
      }, timerMs(ms));
      this.#held.add(timer);
      this.#checkEnd();
    });
  }

  /**
   * Records the outcome. One that another execution has recorded wins.
   * @param end what the handler gets: the value, or the error of a failed step.
   * @param number the place that was reserved for it.
   * @throws {StepLimitError}, {StepKindError}
   */
  async record(
    write: Omit<StepWrite, 'number'>,
    end: unknown,
    number: number = this.reserveNumber(),
  ): Promise<Outcome> {
    try {
      const steps = [...this.#later, { ...write, number }];
      this.#later = [];
      const recorded = (await this.unlessOver(this.#store.record(steps))).find(({ name }) => name === write.name);
      if (recorded?.recorded === true) {
        const row = readRow({ ...recorded, kind: write.kind, number, tries: write.tries });
        if (row !== undefined) return await this.recorded(row);
      }
      return end instanceof Error && write.state === 'failed' ? { number, error: end } : { number, value: end };
    } catch (error) {
      this.#deliveries.drop(number);
      throw error;
    }
  }

  /**
   * Records that a wait for a signal begins, or that its time is over.
   * @returns the signal, if one has come; the end of the wait; undefined if the wait is open.
   * @throws {TokenTakenError}
   */
  async listen(write: Omit<StepWrite, 'number'>): Promise<Outcome | undefined> {
    const number = this.reserveNumber();
    try {
      const steps = [...this.#later, { ...write, number }];
      this.#later = [];
      const recorded = (await this.unlessOver(this.#store.record(steps))).find(({ name }) => name === write.name);
      const row = readRow({ ...recorded, kind: write.kind, number });
      if (row !== undefined && row.state !== 'open') return await this.recorded(row);
    } catch (error) {
      this.#deliveries.drop(number);
      throw error;
    }
    this.#deliveries.drop(number);
    return undefined;
  }

  /**
   * The end of a wait. While other calls are open it is recorded first, so that a race has the same winner in the next
   * execution. Otherwise its record goes with the next one.
   */
  async waited(name: string, kind: StepKind): Promise<Outcome> {
    const write = { name, kind, state: 'done' } as const;
    const hasOthers = this.#active > 1 || this.#waits.size > 0;
    if (hasOthers || this.#later.length >= stepLimits.rows - 1) return this.record(write, undefined);
    const number = this.nextNumber();
    this.#later.push({ ...write, number });
    return { number, value: undefined };
  }

  ending(): Promise<void> | null {
    if (this.#state !== 'open') return null;
    this.#state = 'ending';
    this.#clearTimers();
    if (this.#active === this.#held.size) return null;
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  #leave(): void {
    this.#active--;
    this.#idle.touch();
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#active === this.#held.size) this.#ended?.();
  }

  #suspend(): void {
    this.#state = 'suspended';
    this.#deliveries.stop();
    this.#clearTimers();
    void this.#settleSuspension();
  }

  async #settleSuspension(): Promise<void> {
    const now = performance.now();
    const open = [...this.#waits].map(([name, wait]) => ({ name, ...wait, leftMs: Math.max(1, wait.endsAt - now) }));
    const steps = [...this.#later, ...open.flatMap(({ write, leftMs }) => write?.(Math.ceil(leftMs)) ?? [])];
    // A request has room for so many rows of one job. The rest is recorded before.
    while (steps.length > stepLimits.rows) {
      // The server refuses the suspension for the same reason.
      await this.#store.record(steps.splice(0, stepLimits.rows)).catch(() => {});
    }
    const suspension: Suspension = {
      waits: open.map(({ name, kind }) => ({ name, kind })),
      steps,
      failed_steps: open.flatMap(({ failed, leftMs }) => failed?.(Math.ceil(leftMs)) ?? []),
    };
    const names = open.map(({ name }) => name);
    this.#host.suspend(suspension, new Suspended(Math.min(...open.map(({ leftMs }) => Math.ceil(leftMs))), names));
  }

  /** The job is not this worker's any more. No call returns, so that no `catch` of the handler runs. */
  #over(): void {
    if (this.#state === 'suspended') return;
    this.#state = 'over';
    this.#deliveries.stop();
    this.#clearTimers();
    this.#ended?.();
    this.#freezeIfStuck();
  }

  #freezeIfStuck(more = 0): void {
    const isStuck = this.#active + this.#waits.size + more > 0 && this.#functions === 0;
    if (this.#state === 'over' && isStuck) this.#host.frozen();
  }

  #clearTimers(): void {
    this.#idle.stop();
    for (const { timer } of this.#waits.values()) clearTimeout(timer);
    for (const timer of this.#held) clearTimeout(timer);
  }
}

/** @param workflow of a recorded wait for jobs: another job may have started it, whose rows this one has taken over. */
type ReadPayload = (payload: unknown, workflow: string | undefined) => Promise<unknown>;

async function converted(outcome: Promise<Outcome>, read: ReadPayload): Promise<Outcome> {
  const end = await outcome;
  if (!('value' in end) || end.isPayload !== true) return end;
  const { number, value, workflow } = end;
  return read(value, workflow).then(
    (payload) => ({ number, value: payload }),
    (error: Error) => ({ number, error }),
  );
}
