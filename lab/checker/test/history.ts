import {
  type AnsweredJob,
  check,
  type HistoryRecord,
  type NewJob,
  type State,
  type Stepped,
  type StepRow,
  type Wait,
} from '../src/index.ts';

/** Writes made-up histories: each call takes from one whole moment to the next. */
export class History {
  readonly records: HistoryRecord[] = [];
  #at = 0;
  #calls = 0;

  /** Moves the observer's clock on. */
  wait(ms: number): this {
    this.#at += ms;
    return this;
  }

  get now(): number {
    return this.#at;
  }

  add(record: Unplaced): this {
    const placed: HistoryRecord = { ...record, at: this.#at };
    this.records.push(placed);
    return this;
  }

  /** A call and its answer, one millisecond later; without an answer nobody knows what it came to. */
  call(call: UnplacedCall, answer?: Omit<AnswerOf, 'kind' | 'call'>): this {
    this.#calls += 1;
    const number = this.#calls;
    this.records.push({ node: 'node', ...call, kind: 'call', call: number, at: this.#at });
    this.#at += 1;
    if (answer) this.records.push({ ...answer, kind: 'answer', call: number, at: this.#at });
    this.#at += 1;
    return this;
  }

  enqueue(id: string, more: Partial<NewJob> = {}, answered: Partial<AnsweredJob> = {}): this {
    const jobs = [{ id, queue: 'mail', ...more }];
    return this.call({ op: 'enqueue', jobs }, { outcome: 'done', jobs: [{ id, status: 'created', ...answered }] });
  }

  fetch(id: string, lease: string, more: Partial<AnsweredJob> = {}, node = 'worker', request?: string): this {
    const job = { id, queue: 'mail', lease, attempt: 1, leaseMs: 1000, ...more };
    return this.call(
      { op: 'fetch', queues: [job.queue], node, ...(request !== undefined && { request }) },
      { outcome: 'done', jobs: [job] },
    );
  }

  ack(id: string, lease: string, result?: string): this {
    return this.call({ op: 'ack', job: id, lease, ...(result !== undefined && { result }) }, { outcome: 'done' });
  }

  nack(id: string, lease: string, state: State = 'retryable'): this {
    return this.call({ op: 'nack', job: id, lease }, { outcome: 'done', state });
  }

  /** Records the outcome of a step. */
  record(id: string, lease: string, name: string, value: string, answered: Partial<StepRow> = {}): this {
    const row: StepRow = { name, state: 'done', value, forgives: true };
    const answer: StepRow = { name, state: 'done', ...answered };
    return this.call({ op: 'record', job: id, lease, steps: [row] }, { outcome: 'done', steps: [answer] });
  }

  step(what: Stepped['what'], id: string, lease: string, name: string, value?: string): this {
    return this.add({ kind: 'step', what, job: id, lease, name, ...(value !== undefined && { value }) });
  }

  suspend(id: string, lease: string, waits: readonly Wait[]): this {
    return this.call({ op: 'nack', job: id, lease, counted: false, waits }, { outcome: 'done', state: 'retryable' });
  }

  row(id: string, name: string, value: string): this {
    return this.add({ kind: 'row', job: id, name, state: 'done', value });
  }

  /** The store as it stands at the end: all jobs, and no more. */
  end(jobs: Readonly<Record<string, State>>, more: Omit<FinalOf, 'at' | 'kind' | 'id' | 'queue' | 'state'> = {}): this {
    this.add({ kind: 'calm' }).wait(100).add({ kind: 'complete' });
    for (const [id, state] of Object.entries(jobs)) this.add({ kind: 'job', id, queue: 'mail', state, ...more });
    return this;
  }

  /** What is broken, as `rule job`. */
  broken(): string[] {
    return check(this.records).violations.map(({ rule, job }) => (job === undefined ? rule : `${rule} ${job}`));
  }
}

type Without<Value, Names extends PropertyKey> = Value extends unknown ? Omit<Value, Names> : never;
type Unplaced = Without<Exclude<HistoryRecord, { kind: 'call' | 'answer' }>, 'at'>;
type UnplacedCall = Without<Extract<HistoryRecord, { kind: 'call' }>, 'at' | 'kind' | 'call' | 'node'> & {
  node?: string;
};
type AnswerOf = Without<Extract<HistoryRecord, { kind: 'answer' }>, 'at'>;
type FinalOf = Extract<HistoryRecord, { kind: 'job' }>;
