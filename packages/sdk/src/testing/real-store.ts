import { type JobRecord, State } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import type { NodeRecord, WorkflowRecord } from '@ojs-ts/core/workflow';
import { Client } from '../client/client.ts';
import { OJSError, OJSTimeoutError } from '../errors.ts';
import { type Duration, timerMs } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import type { SignalDef } from '../signal/definition.ts';
import type { SignalOutcome } from '../signal/send.ts';
import { Worker } from '../worker/worker.ts';
import type { DrainOptions, Ledger, WorkflowRow } from './ledger.ts';
import { silent } from './runner.ts';
import { Store } from './store.ts';

type Server = Awaited<ReturnType<typeof startServer>>;
type Storage = Server['engine']['storage'];

/** The storage methods that change jobs or workflows. */
const changes: Readonly<Record<'jobs' | 'workflows' | 'records' | 'upkeep', readonly string[]>> = {
  jobs: ['insert', 'claim', 'transition', 'remove'],
  workflows: ['create', 'advance', 'cancel'],
  records: ['commit'],
  upkeep: ['promote'],
};
const everyState = Object.values(State).reduce((mask: number, state) => mask | state, 0);
const pageSize = 1_000;

/**
 * A real server in this process. It reads what the server stores after each change, before the caller of the change
 * gets its answer.
 */
export class RealStore extends Store implements Ledger {
  readonly fake = null;
  #server: Server | null = null;
  #closing: Promise<void> | null = null;
  readonly #jobs = new Map<string, JobRecord>();
  #workflows: readonly WorkflowRow[] = [];
  readonly #cleared = new Set<string>();
  #watchers: (() => void)[] = [];
  #reading: Promise<void> = Promise.resolve();

  get ledger(): Ledger {
    return this;
  }

  get url(): string {
    return this.#running.url;
  }

  async open(storage: string): Promise<void> {
    this.#server = await startServer(storage);
    if (this.isOver) await this.#server.close();
    this.#watch(this.#server.engine.storage);
    await this.#read();
  }

  jobs(): readonly JobRecord[] {
    return [...this.#jobs.values()].filter(({ id }) => !this.#cleared.has(id));
  }

  workflows(): readonly WorkflowRow[] {
    return this.#workflows.filter(({ record }) => !this.#cleared.has(record.id));
  }

  /** Assertions no longer see the jobs. The server keeps them. */
  clear(): void {
    for (const id of this.#jobs.keys()) this.#cleared.add(id);
    for (const { record } of this.#workflows) this.#cleared.add(record.id);
  }

  freezeTime(): void {
    throw realTime();
  }

  advanceTime(): void {
    throw realTime();
  }

  steps(): never {
    throw new OJSError('Read the steps of a real server with new Admin(store.url).steps(jobId).');
  }

  protected async send(to: string, signal: SignalDef, payload: unknown): Promise<SignalOutcome> {
    await using client = new Client(this.url);
    return await client.signal(to, signal, payload);
  }

  override restore(): void {
    super.restore();
    this.#close().catch(() => {});
  }

  /** Closes the server too: no other test can use it, and it must not stay behind. */
  override release(): void {
    this.restore();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    super.restore();
    await this.#close();
  }

  /** Waits until the queues are empty. If the test has handlers, a worker in this process runs them until then. */
  async drain({
    queue,
    maxJobs = Number.POSITIVE_INFINITY,
    timeout = 30_000,
    withScheduled = false,
  }: DrainOptions): Promise<number> {
    const ms = durationMs(timeout satisfies Duration, 'timeout');
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const left = () => this.#left(queue, withScheduled);
    const before = this.#ends();
    const done = () => this.#ends() - before;
    const timer = setTimeout(
      () =>
        late.reject(
          new OJSTimeoutError(`drain() did not end within ${ms} ms: ${done()} done, ${summary(left())} left.`),
        ),
      timerMs(ms),
    );
    try {
      while (left().length > 0 && done() < maxJobs) {
        const queues = queue === undefined ? [...new Set(left().map((job) => job.queue))] : [queue];
        const isOver = () => done() >= maxJobs || !left().some((job) => queues.includes(job.queue));
        await this.#work(queues, maxJobs - done(), Promise.race([this.#until(isOver), late.promise]));
      }
      return done();
    } finally {
      clearTimeout(timer);
    }
  }

  async #work(queues: readonly string[], max: number, over: Promise<void>): Promise<void> {
    const types = this.runner.types;
    if (types.length === 0) return over;
    const concurrency = Math.max(1, Math.min(10, max));
    const quick = { heartbeatThread: false, handleSignals: false, logger: silent } as const;
    const worker = new Worker(this.url, {
      queues: [...queues],
      concurrency,
      pollInterval: 50,
      shutdownTimeout: 0,
      ...quick,
    });
    let started = 0;
    for (const type of types) {
      worker.register(type, (context) => {
        started += 1;
        if (started >= max) worker.quiet();
        return this.runner.perform(context);
      });
    }
    await worker.runUntil(over);
  }

  get #running(): Server {
    if (this.#server === null) throw new OJSError('The server of realMode() does not run yet: await it.');
    return this.#server;
  }

  /** The number of executions that have ended. */
  #ends(): number {
    return [...this.#jobs.values()].reduce(
      (sum, { claim, state }) => sum + claim - (state === State.active ? 1 : 0),
      0,
    );
  }

  #left(queue: string | undefined, withScheduled: boolean): readonly JobRecord[] {
    const states = State.available | State.active | (withScheduled ? State.scheduled | State.retryable : 0);
    return this.jobs().filter((job) => isIn(job.state, states) && (queue === undefined || job.queue === queue));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #watch(storage: Storage): void {
    for (const [part, methods] of Object.entries(changes)) {
      const owner: unknown = Reflect.get(storage, part);
      if (typeof owner !== 'object' || owner === null) continue;
      for (const method of methods) {
        const original: unknown = Reflect.get(owner, method);
        if (typeof original !== 'function') continue;
        Reflect.set(owner, method, async (...args: unknown[]) => {
          const answer: unknown = await Reflect.apply(original, owner, args);
          await this.#read();
          return answer;
        });
      }
    }
  }

  /** One read after the other, so that an older one never arrives last. */
  #read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#look());
    return this.#reading;
  }

  async #look(): Promise<void> {
    const { storage } = this.#running.engine;
    const jobs = await pages((after) =>
      storage.jobs.list({ states: everyState, limit: pageSize, ...(after !== null && { after }) }),
    );
    const found = new Map(jobs.reverse().map((job) => [job.id, job] as const));
    for (const id of this.#jobs.keys()) if (!found.has(id)) this.#jobs.delete(id);
    for (const job of found.values()) this.#jobs.set(job.id, job);
    const records = await pages((after) =>
      storage.workflows.list({ states: null, limit: pageSize, ...(after !== null && { after }) }),
    );
    this.#workflows = await Promise.all(records.reverse().map((record) => rowOf(storage, record)));
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  #close(): Promise<void> {
    this.#closing ??= this.#server === null ? Promise.resolve() : this.#server.close();
    return this.#closing;
  }
}

async function rowOf(storage: Storage, record: WorkflowRecord): Promise<WorkflowRow> {
  const nodes: NodeRecord[] = [];
  for (;;) {
    const part = await storage.workflows.nodes(record.id, nodes.at(-1)?.index ?? -1, pageSize);
    nodes.push(...part);
    if (part.length < pageSize) return { record, nodes };
  }
}

async function pages<T>(
  load: (after: string | null) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let after: string | null = null;
  do {
    const page: { readonly items: readonly T[]; readonly next: string | null } = await load(after);
    all.push(...page.items);
    after = page.next;
  } while (after !== null);
  return all;
}

async function startServer(storage: string) {
  try {
    const server = await import('@ojs-ts/server');
    return await server.startServer({ storage, host: '127.0.0.1', port: 0, log: false });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new OJSError(
      'realMode() runs a server in this process: add the package @ojs-ts/server to your devDependencies.',
      { cause },
    );
  }
}

function realTime(): OJSError {
  return new OJSError(
    'A real server keeps the time of its machine: freezeTime() and advanceTime() are for fakeMode() and inlineMode().',
  );
}

function summary(jobs: readonly JobRecord[]): string {
  const counts = new Map<string, number>();
  for (const { type } of jobs) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ') || 'nothing';
}
