import { type StepKind, stepLimits, undoPrefix } from '@ojs-ts/core/durable';
import { OJSValidationError } from '../../errors.ts';
import type { JobDef } from '../../job/definition.ts';
import type { JobOptions } from '../../job/options.ts';
import { retryNames } from '../../job/policies.ts';
import { type JsonArray, type Wire, wireOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import type { Duration } from '../../options/duration.ts';
import { durationMs } from '../../options/values.ts';
import { type SignalDef, signalOf } from '../../signal/definition.ts';
import type { Failure } from '../execution/outcome.ts';
import type { Calls, Outcome } from './calls.ts';
import { childrenOf, type Family, familyOf, resultOfOnly } from './children.ts';
import { plain } from './codec.ts';
import { checkStepName, StepNameError, UndoError } from './errors.ts';
import type { StepsHost } from './host.ts';
import { StepRecording } from './recording.ts';
import { type StepRetry, stepRetry } from './retry.ts';
import type { Row } from './row.ts';
import { answered, familyWork, readPayload, waitFor } from './signals.ts';
import { refuseNested, type TryEnd, tryOnce } from './try.ts';
import type { ChildrenOptions, PollOptions, SignalWaitOptions, StepInfo, StepOptions, UndoOf } from './types.ts';
import { encodedFailure, stepErrorOf, valueText, waitMs } from './value.ts';

const stepNames = { retry: retryNames, timeout: true, undo: true } as const;
/** The longest name of a step that has an undo, which has a row of its own. */
const maxUndoName = stepLimits.name - undoPrefix.length;
const pollNames = { every: true, timeout: true } as const;

/** The services that the steps of an execution need. */
export interface StepsParts {
  readonly host: StepsHost;
  readonly calls: Calls;
  /** The time of the server, in milliseconds since 1970. */
  now(): number;
  /** Enqueues a job under this id, if it is not there already. Resolves to the id of the job. */
  enqueue(id: string, job: string | JobDef, args: JsonArray, options: JobOptions): Promise<string>;
  /** Finds the rows that this execution has recorded. */
  reload(): void;
  /** Saves the checkpoint of the handler. Undefined if it has nothing to do with the steps. */
  readonly checkpoint: ((state: unknown) => Promise<void>) | undefined;
  /** The id that follows from the job and the name. */
  idOf(name: string): Promise<string>;
  /** The payloads of a test without a stored job, by the names of their steps or signals. */
  readonly signals: Readonly<Record<string, unknown>> | undefined;
  /** Starts the jobs of a step as a workflow with this id, if they are not there already. */
  startFamily(family: Family, workflow: string): Promise<void>;
  /** A page of the results of a workflow. */
  results(workflow: string, after: number | undefined): Promise<Wire>;
}

/** The durable calls of a handler. */
export class Steps {
  readonly #host: StepsHost;
  readonly #calls: Calls;
  readonly #parts: StepsParts;
  readonly #used = new Set<string>();
  /** The steps of this execution that can be undone, by their names. */
  readonly #undos = new Map<string, UndoOf>();

  constructor(parts: StepsParts) {
    this.#host = parts.host;
    this.#calls = parts.calls;
    this.#parts = parts;
  }

  get checkpoint(): StepsParts['checkpoint'] {
    return this.#parts.checkpoint;
  }

  ending(): Promise<void> | null {
    return this.#calls.ending();
  }

  /** The handler begins again in the same execution, because a middleware has called `next()` again. */
  restart(): void {
    if (this.#used.size === 0) return;
    this.#used.clear();
    this.#undos.clear();
    this.#parts.reload();
  }

  async step(name: string, run: (step: StepInfo) => unknown, options: StepOptions = {}): Promise<unknown> {
    this.#claim(name);
    const { retry: own, timeout, undo } = options;
    checkNames(own === false ? { timeout, undo } : options, stepNames);
    mustBeFunction(run, 'run');
    const retry = stepRetry(this.#host.leased.wire.retry, own);
    const timeoutMs = timeout === undefined ? undefined : positive(timeout, 'timeout');
    const work = { name, kind: 'run', run, retry, timeoutMs } as const;
    if (undo === undefined) return this.#calls.call(name, 'run', (row) => this.#run(work, row));
    mustBeFunction(undo, 'undo');
    if (name.length > maxUndoName)
      throw new StepNameError(`A step with undo needs a name of 1 to ${maxUndoName} characters, got ${name.length}.`);
    this.#undos.set(name, undo);
    return this.#calls.call(name, 'run', async (row) => {
      // Behind a crash, this row says that the effect may be there.
      const begun = { name, kind: 'run', state: 'open', undo: true } as const;
      const known = row === undefined ? await this.#calls.listen(begun) : undefined;
      return known ?? this.#run({ ...work, undo: true }, row);
    });
  }

  /** Undoes the steps of this execution and of those before it. @throws {UndoError} */
  async undo(): Promise<void> {
    refuseNested('undo', this.#host.jobId);
    if (this.#host.undoes) return this.#calls.stop();
    await this.#undoAll();
  }

  /**
   * Undoes the steps of another job: the handler gets their outcomes, so that it names the undo of each, and runs none.
   * @throws {UndoError}
   */
  async undoAfter(handler: () => unknown): Promise<void> {
    // The error that ended the job ends its replay too.
    const replay = (async () => handler())().catch((error: unknown) =>
      this.#host.log.debug('replay ended', { error: String(error) }),
    );
    await Promise.race([replay, this.#calls.replayed]);
    await this.#undoAll();
  }

  async #undoAll(): Promise<void> {
    const rows = await this.#calls.rows();
    const undone = new Set(rows.flatMap(({ name, state }) => (state === 'done' ? [name] : [])));
    const standing = rows
      .filter(({ name, undo }) => undo && !undone.has(undoPrefix + name))
      .toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0) || b.number - a.number);
    const failed: string[] = [];
    let cause: unknown;
    for (const row of standing) {
      const undo = this.#undos.get(row.name);
      if (undo === undefined) continue;
      try {
        await this.#undoOne(row, undo);
      } catch (error) {
        failed.push(row.name);
        cause = error;
      }
    }
    const missing = standing.flatMap(({ name }) => (this.#undos.has(name) ? [] : [name]));
    if (failed.length + missing.length > 0) throw new UndoError(failed, missing, { jobId: this.#host.jobId, cause });
  }

  #undoOne(row: Row, undo: UndoOf): Promise<unknown> {
    const certain = row.state === 'done';
    const key = `${row.origin ?? this.#host.jobId}/${row.name}`;
    const run = async ({ attempt, signal, log }: StepInfo) => {
      const end = certain ? await this.#calls.recorded(row) : { value: undefined };
      await undo({ result: 'value' in end ? end.value : undefined, certain, key, attempt, signal, log });
    };
    const name = undoPrefix + row.name;
    const retry = stepRetry(this.#host.leased.wire.retry, { maxAttempts: 10 });
    // Its failure is not recorded, so that it is tried again with the job.
    const work = { name, kind: 'run', run, retry, failsWithJob: true } as const;
    return this.#calls.call(name, 'run', (open) => this.#run(work, open));
  }

  async enqueue(name: string, job: string | JobDef, args: JsonArray, options: JobOptions = {}): Promise<unknown> {
    this.#claim(name);
    const run = async () => this.#parts.enqueue(await this.#parts.idOf(name), job, args, options);
    const retry = stepRetry(this.#host.leased.wire.retry, undefined);
    return this.#calls.call(name, 'enqueue', (row) => this.#run({ name, kind: 'enqueue', run, retry }, row));
  }

  async sleep(name: string, time: Duration | Date): Promise<unknown> {
    this.#claim(name);
    const ms = waitMs(time, 'time', this.#parts.now());
    return this.#calls.call(name, 'sleep', async (row) => {
      if (row?.due === false) await this.#calls.wait(name, { kind: 'sleep' });
      if (row === undefined && ms > 0) {
        const open = { name, kind: 'sleep', state: 'open', number: this.#calls.nextNumber() } as const;
        const end = time instanceof Date ? { until: time.toISOString() } : null;
        await this.#calls.wait(name, {
          kind: 'sleep',
          ms,
          write: (leftMs) => ({ ...open, ...(end ?? { ms: leftMs }) }),
        });
      }
      return this.#calls.waited(name, 'sleep');
    });
  }

  async wait(
    signal: SignalDef | string,
    options: SignalWaitOptions & { readonly timeout?: Duration | Date | undefined } = {},
  ): Promise<unknown> {
    const { name: of, schema } = signalOf(signal);
    const { as: name = of } = options;
    this.#claim(name);
    const { signals, now } = this.#parts;
    const wait = waitFor(this.#calls, of, { ...options, as: name }, now(), this.#host.jobId);
    const work = signals === undefined ? wait : answered(this.#calls, [name, of], signals);
    return this.#calls.call(name, 'signal', work, (payload) => readPayload(of, schema, payload));
  }

  /** @param all false for a single job, whose result the call resolves to. */
  async run(
    name: string,
    job: string | JobDef,
    args: readonly JsonArray[],
    options: ChildrenOptions = {},
    all = true,
  ): Promise<unknown> {
    this.#claim(name);
    const family = familyOf(name, job, args, options);
    const { jobId } = this.#host;
    const { signals, results } = this.#parts;
    const workflowId = await this.#parts.idOf(name);
    const start = () => this.#parts.startFamily(family, workflowId);
    const work =
      signals === undefined
        ? familyWork(this.#calls, name, workflowId, start, jobId)
        : answered(this.#calls, [name, name], signals);
    return this.#calls.call(name, 'child', work, async (payload, recorded = workflowId) => {
      // A test without a stored job gives what the call resolves to.
      if (signals !== undefined) return payload;
      const end = { workflowId: recorded, codec: this.#host.codec(), jobId, wire: wireOf(payload) ?? {} };
      return all ? childrenOf(name, end, results) : resultOfOnly(name, end);
    });
  }

  async poll(name: string, probe: (step: StepInfo) => unknown, options: PollOptions): Promise<unknown> {
    this.#claim(name);
    checkNames(options, pollNames);
    mustBeFunction(probe, 'probe');
    const everyMs = positive(options.every, 'every');
    const timeoutMs = options.timeout === undefined ? undefined : positive(options.timeout, 'timeout');
    return this.#calls.call(name, 'poll', (row) => this.#poll({ name, probe, everyMs, timeoutMs }, row));
  }

  /** @throws {StepNestedError}, {StepNameError} */
  #claim(name: string): void {
    refuseNested(name, this.#host.jobId);
    checkStepName(name, this.#used);
    this.#used.add(name);
  }

  async #run({ name, kind, run, retry, timeoutMs, undo, failsWithJob }: Work, row: Row | undefined): Promise<Outcome> {
    // A row without an end says that the step has begun: its worker ended before it.
    if (row?.due === false && row.until !== undefined) await this.#calls.wait(name, { kind: 'retry' });
    let number = row?.number;
    const origin = row?.origin;
    for (let tries = (row?.tries ?? 0) + 1; ; tries++) {
      const recording = new StepRecording(this.#host, this.#calls, tries, { undo, origin });
      const end = await this.#try(name, tries, run, timeoutMs, recording);
      if ('value' in end) return this.#done({ name, kind, undo }, tries, end.value, recording.number);
      // A transaction whose commit was not answered may have recorded it, so that its throw says nothing.
      const committed = recording.number === undefined ? undefined : await this.#calls.committed(name);
      if (committed !== undefined) return committed;
      if (recording.number !== undefined) this.#calls.forgo(recording.number);
      const delayMs = retry.delayAfter(tries, end.failed);
      const { failure } = end.failed;
      if (delayMs === null && failsWithJob)
        throw await stepErrorOf(name, tries, { ...failure }, this.#host.jobId, plain);
      if (delayMs === null) return this.#failed({ name, kind, undo }, tries, failure);
      this.#host.log.warn('step failed', {
        step: name,
        step_attempt: tries,
        error_type: failure.type,
        retry_in_ms: delayMs,
      });
      if (this.#calls.isEnding) return this.#calls.halt();
      number ??= this.#calls.nextNumber();
      const failed = { name, number, tries, error: await encodedFailure(failure, this.#host.codec()) };
      await this.#calls.wait(name, {
        kind: 'retry',
        ms: delayMs,
        failed: (leftMs) => ({ ...failed, retry: { ms: leftMs } }),
      });
    }
  }

  async #poll({ name, probe, everyMs, timeoutMs }: Poll, row: Row | undefined): Promise<Outcome> {
    if (row?.due === false) await this.#calls.wait(name, { kind: 'poll' });
    const number = row?.number ?? this.#calls.nextNumber();
    // The recorded end remains valid, and is by the clock of the server.
    const recorded = row !== undefined;
    let leftMs = recorded
      ? (row.until ?? Number.POSITIVE_INFINITY) - this.#parts.now()
      : (timeoutMs ?? Number.POSITIVE_INFINITY);
    for (let tries = (row?.tries ?? 0) + 1; ; tries++) {
      const began = performance.now();
      const end = await this.#try(name, tries, probe, undefined);
      if ('value' in end && end.value !== undefined) return this.#done({ name, kind: 'poll' }, tries, end.value);
      if ('failed' in end) {
        const { failure } = end.failed;
        if (failure.response_code === 'DISCARD') return this.#failed({ name, kind: 'poll' }, tries, failure);
        this.#host.log.warn('poll failed', { step: name, step_attempt: tries, error_type: failure.type });
      }
      leftMs -= performance.now() - began;
      if (leftMs <= 0) return this.#done({ name, kind: 'poll' }, tries, undefined);
      if (this.#calls.isEnding) return this.#calls.halt();
      const left = leftMs;
      const ms = Math.min(everyMs, left);
      const open = { name, kind: 'poll', state: 'open', number, tries } as const;
      const until = (waitedMs: number) =>
        recorded || left === Number.POSITIVE_INFINITY ? {} : { ms: Math.max(0, Math.ceil(left - waitedMs)) };
      await this.#calls.wait(name, {
        kind: 'poll',
        ms,
        write: (nextMs) => ({ ...open, next_ms: nextMs, ...until(ms - nextMs) }),
      });
      leftMs -= ms;
    }
  }

  #try(
    name: string,
    attempt: number,
    run: Work['run'],
    timeoutMs: number | undefined,
    recording?: StepRecording,
  ): Promise<TryEnd> {
    const work = () => tryOnce(this.#host, name, attempt, recording, run, timeoutMs);
    return this.#calls.unlessOver(this.#calls.running(work));
  }

  async #done(step: Ended, tries: number, value: unknown, number?: number): Promise<Outcome> {
    const text = valueText(value);
    if (typeof text === 'object') return this.#failed(step, tries, text.failure, number);
    const write = { ...endOf(step), state: 'done', tries } as const;
    if (text === undefined) return this.#calls.record(write, undefined, number);
    const kept: unknown = JSON.parse(text);
    return this.#calls.record({ ...write, value: await this.#host.codec().encode(kept) }, kept, number);
  }

  async #failed(step: Ended, tries: number, failure: Failure, number?: number): Promise<Outcome> {
    const { jobId, codec } = this.#host;
    const write = { ...endOf(step), state: 'failed', tries, error: await encodedFailure(failure, codec()) } as const;
    return this.#calls.record(write, await stepErrorOf(step.name, tries, { ...failure }, jobId, plain), number);
  }
}

/** A step to run. */
interface Work {
  readonly name: string;
  readonly kind: 'run' | 'enqueue';
  readonly run: (step: StepInfo) => unknown;
  readonly retry: StepRetry;
  readonly timeoutMs?: number | undefined;
  /** The step can be undone. */
  readonly undo?: true;
  /** The failure of the last try is not recorded. */
  readonly failsWithJob?: true;
}

interface Ended {
  readonly name: string;
  readonly kind: StepKind;
  readonly undo?: true | undefined;
}

function endOf({ name, kind, undo }: Ended) {
  return { name, kind, ...(undo && { undo }) };
}

interface Poll {
  readonly name: string;
  readonly probe: (step: StepInfo) => unknown;
  readonly everyMs: number;
  readonly timeoutMs: number | undefined;
}

function mustBeFunction(value: unknown, path: string): void {
  if (typeof value !== 'function') throw OJSValidationError.of(path, 'expected a function', value);
}

function positive(value: Duration, path: string): number {
  const ms = durationMs(value, path);
  if (ms > 0) return ms;
  throw OJSValidationError.of(path, "expected more than 0, such as '5s'", value);
}
