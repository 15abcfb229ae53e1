import { type Answer, type Call, members, type Transport } from '@ojs-ts/core';
import { type JobId, type JobRecord, readFailure, renderJob, State } from '@ojs-ts/core/job';
import { atOnce, completed, failed, isIn, requeued } from '@ojs-ts/core/lifecycle';
import { Client } from '../client/client.ts';
import type { Fake } from '../connection/fake.ts';
import { OJSTimeoutError } from '../errors.ts';
import type { Job } from '../job/job.ts';
import { numberOf, parseWire } from '../json.ts';
import { type Duration, timerMs } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import type { SignalDef } from '../signal/definition.ts';
import type { SignalOutcome } from '../signal/send.ts';
import { TestClock } from './clock.ts';
import type { DrainOptions, Ledger, WorkflowRow } from './ledger.ts';
import { Memory } from './memory/memory.ts';
import { type FakeStep, fetched, stepsOf, suspendBy } from './memory/steps.ts';
import type { Ran } from './runner.ts';
import { within } from './scope.ts';
import { lengthOf, momentOf, Store } from './store.ts';

/** The mean of the random part of a backoff: a test waits exactly as long as the policy says. */
const noJitter = () => 0.5;

/** Fake and inline mode: answers calls from memory. Inline mode runs the enqueued jobs before a call returns. */
export class MemoryStore extends Store implements Fake, Ledger {
  readonly #clock = new TestClock();
  readonly #memory = new Memory(this.#clock);
  readonly #isInline: boolean;
  /** The jobs that a call has enqueued, until they have run. */
  readonly #enqueued = new WeakMap<Answer, readonly JobId[]>();
  readonly #transport: Transport = { call: async (call) => this.answer(call), async [Symbol.asyncDispose]() {} };

  constructor(mode: 'fake' | 'inline') {
    super();
    this.#isInline = mode === 'inline';
  }

  get fake(): Fake {
    return this;
  }

  get ledger(): Ledger {
    return this;
  }

  now(): number {
    return this.#clock.now();
  }

  answer(call: Call): Answer {
    if (!this.#isInline) return this.#memory.answer(call);
    // Jobs that became due since the last call are not this caller's.
    this.#memory.storage.tick();
    this.#memory.storage.takeFresh();
    const answer = this.#memory.answer(call);
    this.#enqueued.set(answer, this.#memory.storage.takeFresh());
    return answer;
  }

  /** Inline mode: a sync client cannot wait for a handler. */
  get runsHandlers(): boolean {
    return this.#isInline;
  }

  /** The caller gets the handler's error. Workflow steps that do not depend on the failed one run all the same. */
  async settle(call: Call, answer: Answer): Promise<void> {
    const waiting = [...(this.#enqueued.get(answer) ?? [])];
    let thrown: Ran['thrown'] = null;
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const job = this.#memory.storage.get(id);
      if (job === null || !isIn(job.state, State.available | State.scheduled)) continue;
      this.runner.require([job.type], 'Inline mode');
      const end = await this.#run(job);
      thrown ??= end.thrown;
      waiting.push(...end.fresh);
      if (thrown !== null && call.operation !== 'workflow.create') break;
    }
    if (thrown !== null) throw thrown.error;
  }

  jobs(): readonly JobRecord[] {
    this.#memory.storage.tick();
    return this.#memory.storage.all;
  }

  workflows(): readonly WorkflowRow[] {
    const { rows } = this.#memory.storage.tables.workflows;
    return [...rows.values()].map(({ record, nodes }) => ({ record, nodes: [...nodes.values()] }));
  }

  steps(job: string | Job): readonly FakeStep[] {
    return stepsOf(this.#memory.storage, typeof job === 'string' ? job : job.id);
  }

  protected async send(to: string, signal: SignalDef, payload: unknown): Promise<SignalOutcome> {
    return within(this, () => new Client().signal(to, signal, payload));
  }

  clear(): void {
    this.#memory.storage.clear();
  }

  freezeTime(at: Date | string): void {
    this.#clock.freeze(momentOf(at));
    this.#turn();
  }

  advanceTime(by: Duration): void {
    this.#clock.advance(lengthOf(by));
    this.#turn();
  }

  /**
   * Crons fire only when a test moves the time. If real time fired them, assertions would depend on when a test runs.
   */
  #turn(): void {
    this.#memory.storage.tick();
    // In inline mode no caller waits for a job that no call has enqueued.
    if (!this.#isInline) atOnce(this.#memory.crons.fireDue());
  }

  override restore(): void {
    super.restore();
    this.clear();
  }

  /** Runs one job after the other, as a worker would get them. In inline mode there is nothing left to run. */
  async drain(options: DrainOptions): Promise<number> {
    if (this.#isInline) return 0;
    const { queue, maxJobs = Number.POSITIVE_INFINITY, timeout = 30_000, withScheduled = false } = options;
    const ms = durationMs(timeout, 'timeout');
    const until = performance.now() + ms;
    const snoozed = new Set<JobId>();
    let count = 0;
    while (count < maxJobs) {
      const job = this.#next(queue, withScheduled, snoozed);
      if (job === undefined) break;
      const left = until - performance.now();
      const end = left <= 0 ? null : await inTime(this.#run(job), left);
      if (end === null)
        throw new OJSTimeoutError(`drain() did not end within ${ms} ms: ${count} done, then ${job.type} ${job.id}.`, {
          jobId: job.id,
        });
      if (end.isGivenBack) snoozed.add(job.id);
      count += 1;
    }
    return count;
  }

  /** The job that a drain runs next. Jobs behind it need handlers, too. */
  #next(queue: string | undefined, withScheduled: boolean, snoozed: ReadonlySet<JobId>): JobRecord | undefined {
    const { storage: table } = this.#memory;
    table.tick();
    const later = withScheduled ? State.scheduled | State.retryable : 0;
    const open = table.all.filter(
      (job) =>
        (job.state === State.available || (isIn(job.state, later) && !snoozed.has(job.id))) &&
        (queue === undefined || job.queue === queue) &&
        table.tables.queues.get(job.queue)?.paused !== true,
    );
    this.runner.require(
      open.map(({ type }) => type),
      'drain()',
    );
    const next = table.next(queue);
    if (next !== undefined || !withScheduled) return next;
    return open.filter((job) => table.hasSlot(job)).sort((a, b) => a.runAt - b.runAt)[0];
  }

  /** Runs one execution. `fresh`: the jobs that became available at its end. */
  async #run(
    job: JobRecord,
  ): Promise<{ readonly thrown: Ran['thrown']; readonly isGivenBack: boolean; readonly fresh: readonly JobId[] }> {
    const { storage: table, leases } = this.#memory;
    const active = atOnce(this.#memory.parents.of(table.start(job.id, this.runner.workerId)));
    const rows = fetched(this.#memory, active);
    const wire = {
      ...parseWire(renderJob(active, { lease: leases.of(active) })),
      ...(rows !== null && { x_steps: parseWire(rows) }),
    };
    const ran = await within(this, () => this.runner.execute(wire, this.#transport, { skipsWaits: this.#isInline }));
    const now = table.get(job.id);
    // The job was cancelled or cleared while it ran.
    if (now?.state !== State.active || now.claim !== active.claim)
      return { thrown: ran.thrown, isGivenBack: false, fresh: [] };
    if (ran.outcome === 'ack') {
      table.transition(
        completed({ id: job.id, claim: active.claim, result: members(ran.entry).get('result') ?? null }),
      );
      return { thrown: null, isGivenBack: false, fresh: this.#fresh() };
    }
    if (suspendBy(this.#memory, now, ran.entry))
      return { thrown: null, isGivenBack: true, fresh: this.#isInline ? this.#woken(job.id) : [] };
    const { failure, requeue } = readFailure(ran.entry);
    if (requeue) {
      table.transition(requeued(now, failure.code, table.now, 'worker', numberOf(parseWire(ran.entry)?.delay_ms) ?? 0));
      return { thrown: null, isGivenBack: true, fresh: [] };
    }
    table.transition(failed(now, this.#isInline ? { ...failure, retryable: false } : failure, table.now, noJitter));
    return { thrown: ran.thrown, isGivenBack: false, fresh: this.#fresh() };
  }

  /** The suspended job, if a signal has come while it ran. */
  #woken(id: JobId): readonly JobId[] {
    const { storage } = this.#memory;
    storage.tick();
    storage.takeFresh();
    return storage.get(id)?.state === State.available ? [id] : [];
  }

  #fresh(): readonly JobId[] {
    return this.#isInline ? this.#memory.storage.takeFresh() : [];
  }
}

/** Null if the work takes longer. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), timerMs(ms));
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
