import type {
  Answer,
  AnsweredJob,
  ArrivedEvent,
  Call,
  CallOf,
  Config,
  Counts,
  Deadline,
  Effect,
  FinalJob,
  FinalRow,
  HistoryRecord,
  LoggedEvent,
  NewJob,
  Operation,
  Outcome,
  State,
  Stepped,
  StepRow,
  Subscription,
} from './records.ts';

/** When something took effect: no earlier than `from`, no later than `to`, which is infinite where nobody knows. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A call with what it came to. */
export interface Deed<Name extends Operation = Operation> extends Span {
  readonly call: CallOf<Name>;
  readonly outcome: Outcome;
  readonly state?: State | undefined;
}

/** Steps that a lease recorded, as they were answered. */
export interface Recorded extends Deed<'record'> {
  readonly steps: readonly StepRow[];
}

export interface Claim extends Span {
  readonly job: string;
  readonly lease: string;
  readonly node: string;
  readonly queue: string;
  readonly attempt: number;
  readonly claim?: number | undefined;
  readonly leaseMs?: number | undefined;
  readonly request?: string | undefined;
  readonly steps: readonly StepRow[];
  readonly renewals: Span[];
  /** Fetches that answered the same lease, and are no repetitions of the first. */
  readonly others: Deed<'fetch'>[];
}

/** Everything that is known of one job. Lists are in order of the calls. */
export interface JobHistory {
  readonly id: string;
  asked?: NewJob;
  /** Set when the store acknowledged the job. */
  created?: Span;
  /** Set when a call that named the job has no answer. */
  maybe?: Span;
  readonly claims: Claim[];
  readonly settlements: Deed<'ack' | 'nack'>[];
  readonly records: Recorded[];
  readonly stepped: Stepped[];
  readonly rows: FinalRow[];
  readonly effects: Effect[];
  readonly operations: Deed<'cancel' | 'discard' | 'retry' | 'activate' | 'remove' | 'release'>[];
  /** Spans in which another job may have replaced this one. */
  readonly replaced: Span[];
  readonly of: Pick<AnsweredJob, 'cron' | 'tick' | 'workflow' | 'node'>[];
  final?: FinalJob;
}

export interface Enqueued extends Span {
  readonly asked: NewJob;
  readonly status: AnsweredJob['status'];
  readonly existing?: string | undefined;
}

export interface Timeline {
  readonly jobs: ReadonlyMap<string, JobHistory>;
  readonly enqueued: readonly Enqueued[];
  readonly fetches: readonly Deed<'fetch'>[];
  readonly renewals: readonly (Deed<'renew'> & { readonly leases: readonly string[] })[];
  readonly workflows: readonly Deed<'workflow'>[];
  readonly crons: readonly Deed<'cron'>[];
  readonly claims: ReadonlyMap<string, Claim>;
  /** By node, when it asked for renewals, and of which leases. */
  readonly beats: ReadonlyMap<string, readonly CallOf<'renew'>[]>;
  readonly losses: ReadonlyMap<string, readonly number[]>;
  readonly jumps: readonly number[];
  readonly arrived: readonly (ArrivedEvent | Subscription)[];
  readonly log: readonly LoggedEvent[];
  readonly deadlines: readonly Deadline[];
  readonly counts: readonly Counts[];
  readonly config: Omit<Config, 'at' | 'kind'>;
  readonly calmAt?: number;
  /** The `job` records are all that the store has. */
  readonly complete: boolean;
  readonly records: number;
}

/** Sorts the records of a history by what they are about. */
export function timelineOf(records: Iterable<HistoryRecord>): Timeline {
  return new Builder().build(records);
}

class Builder {
  readonly #jobs = new Map<string, JobHistory>();
  readonly #byQueue = new Map<string, JobHistory[]>();
  readonly #claims = new Map<string, Claim>();
  readonly #beats = new Map<string, CallOf<'renew'>[]>();
  readonly #fetchedFrom = new Map<string, number>();
  readonly #enqueued: Enqueued[] = [];
  readonly #fetches: Deed<'fetch'>[] = [];
  readonly #renewals: (Deed<'renew'> & { leases: readonly string[] })[] = [];
  readonly #workflows: Deed<'workflow'>[] = [];
  readonly #crons: Deed<'cron'>[] = [];

  build(records: Iterable<HistoryRecord>): Timeline {
    const calls: Call[] = [];
    const answers = new Map<number, Answer>();
    const losses = new Map<string, number[]>();
    const jumps: number[] = [];
    const arrived: (ArrivedEvent | Subscription)[] = [];
    const log: LoggedEvent[] = [];
    const deadlines: Deadline[] = [];
    const counts: Counts[] = [];
    const finals: (FinalJob | FinalRow | Effect | Stepped)[] = [];
    let config: Timeline['config'] = {};
    let calmAt: number | undefined;
    let complete = false;
    let count = 0;
    for (const record of records) {
      count += 1;
      switch (record.kind) {
        case 'call':
          calls.push(record);
          break;
        case 'answer':
          answers.set(record.call, record);
          break;
        case 'job':
        case 'row':
        case 'effect':
        case 'step':
          finals.push(record);
          break;
        case 'config':
          config = record;
          break;
        case 'event':
        case 'subscribe':
          arrived.push(record);
          break;
        case 'log':
          log.push(record);
          break;
        case 'deadline':
          deadlines.push(record);
          break;
        case 'counts':
          counts.push(record);
          break;
        case 'clock':
          jumps.push(record.at);
          break;
        case 'loss':
          losses.set(record.node, [...(losses.get(record.node) ?? []), record.at]);
          break;
        case 'calm':
          calmAt = record.at;
          break;
        case 'complete':
          complete = true;
      }
    }
    for (const call of calls) this.#enter(call, answers.get(call.call));
    for (const record of finals) {
      const job = this.#job(record.kind === 'job' ? record.id : record.job);
      if (record.kind === 'job') {
        job.final = record;
        job.of.push(record);
      } else if (record.kind === 'row') job.rows.push(record);
      else if (record.kind === 'effect') job.effects.push(record);
      else job.stepped.push(record);
    }
    // They concern jobs and claims that the history names only later, so they are entered last.
    for (const call of calls) {
      if (call.op === 'remove') this.#remove(call, answers.get(call.call));
      if (call.op === 'release') this.#release(call, answers.get(call.call));
    }
    return {
      jobs: this.#jobs,
      enqueued: this.#enqueued,
      fetches: this.#fetches,
      renewals: this.#renewals,
      workflows: this.#workflows,
      crons: this.#crons,
      claims: this.#claims,
      beats: this.#beats,
      losses,
      jumps,
      arrived,
      log,
      deadlines,
      counts,
      config,
      ...(calmAt !== undefined && { calmAt }),
      complete,
      records: count,
    };
  }

  #job(id: string): JobHistory {
    let job = this.#jobs.get(id);
    if (job === undefined) {
      job = {
        ...{ id, claims: [], settlements: [], operations: [], replaced: [], of: [] },
        ...{ records: [], stepped: [], rows: [], effects: [] },
      };
      this.#jobs.set(id, job);
    }
    return job;
  }

  #enter(call: Call, answer: Answer | undefined): void {
    switch (call.op) {
      case 'enqueue':
        this.#enqueue(call, answer);
        break;
      case 'fetch':
        this.#fetch(call, answer);
        break;
      case 'renew':
        this.#renew(call, answer);
        break;
      case 'ack':
      case 'nack':
        this.#settle(call, answer);
        break;
      case 'record':
        this.#record(call, answer);
        break;
      case 'cancel':
      case 'discard':
      case 'retry':
      case 'activate':
        this.#job(call.job).operations.push(deed(call, answer));
        break;
      case 'workflow':
        this.#workflows.push(deed(call, answer));
        break;
      case 'cron':
        this.#crons.push(deed(call, answer));
    }
  }

  #enqueue(call: CallOf<'enqueue'>, answer: Answer | undefined): void {
    const span = spanOf(call, answer);
    for (const asked of call.jobs) {
      const answered = answer?.jobs?.find(({ id }) => id === asked.id);
      const status = answer?.outcome === 'refused' ? 'refused' : answered?.status;
      const job = this.#job(asked.id);
      job.asked ??= asked;
      list(this.#byQueue, asked.queue).push(job);
      const isThere =
        status === 'created' || status === 'replaced' || (status === 'duplicate' && answered?.existing === asked.id);
      // A repeated call answers for the first that took effect.
      const { from } = job.created ?? job.maybe ?? span;
      if (isThere) job.created = { from: Math.min(span.from, from), to: job.created?.to ?? span.to };
      else if (status === undefined) job.maybe ??= span;
      for (const id of answered?.replaced ?? []) this.#job(id).replaced.push(span);
      this.#enqueued.push({ asked, status, existing: answered?.existing, ...span });
    }
  }

  #fetch(call: CallOf<'fetch'>, answer: Answer | undefined): void {
    const fetch = deed(call, answer);
    this.#fetches.push(fetch);
    // A repeated fetch may answer what the first one claimed.
    const first = call.request === undefined ? call.at : (this.#fetchedFrom.get(call.request) ?? call.at);
    if (call.request !== undefined) this.#fetchedFrom.set(call.request, first);
    for (const answered of answer?.jobs ?? []) {
      const job = this.#job(answered.id);
      const lease = answered.lease ?? `${answered.id} of call ${call.call}`;
      const known = this.#claims.get(lease);
      if (known !== undefined) {
        if (known.node !== call.node || known.request !== call.request) known.others.push(fetch);
        continue;
      }
      const claim: Claim = {
        job: answered.id,
        lease,
        node: call.node,
        queue: answered.queue ?? call.queues[0] ?? '',
        attempt: answered.attempt ?? 1,
        claim: answered.claim,
        leaseMs: answered.leaseMs,
        request: call.request,
        steps: answered.steps ?? [],
        renewals: [],
        others: [],
        from: first,
        to: fetch.to,
      };
      this.#claims.set(lease, claim);
      job.claims.push(claim);
      job.of.push(answered);
    }
  }

  #settle(call: CallOf<'ack' | 'nack'>, answer: Answer | undefined): void {
    const { settlements } = this.#job(call.job);
    const settled = deed(call, answer);
    // A repeated call answers for the first, perhaps long after an operator has started the job anew.
    const first = settlements.find(
      (one) => one.outcome !== 'refused' && one.call.op === call.op && one.call.lease === (call.lease ?? null),
    );
    settlements.push({ ...settled, from: first?.from ?? settled.from });
  }

  #record(call: CallOf<'record'>, answer: Answer | undefined): void {
    const steps = (answer?.steps ?? []).map((row) => {
      const sent = call.steps.find(({ name }) => name === row.name);
      return row.isEarlier === true || sent === undefined || sent.state !== row.state ? row : { ...sent, ...row };
    });
    this.#job(call.job).records.push({ ...deed(call, answer), steps });
  }

  #renew(call: CallOf<'renew'>, answer: Answer | undefined): void {
    const renewal = deed(call, answer);
    list(this.#beats, call.node).push(call);
    const leases = renewal.outcome === 'done' ? (answer?.leases ?? call.leases) : [];
    this.#renewals.push({ ...renewal, leases });
    for (const lease of leases) this.#claims.get(lease)?.renewals.push({ from: renewal.from, to: renewal.to });
  }

  #release(call: CallOf<'release'>, answer: Answer | undefined): void {
    for (const claim of this.#claims.values())
      if (call.leases?.includes(claim.lease) === true || call.worker === claim.node)
        this.#job(claim.job).operations.push(deed(call, answer));
  }

  #remove(call: CallOf<'remove'>, answer: Answer | undefined): void {
    // The answer may say what the jobs were, since no record at the end does.
    for (const removed of answer?.jobs ?? []) this.#job(removed.id).of.push(removed);
    const inQueue = call.queue === undefined ? [] : (this.#byQueue.get(call.queue) ?? []);
    for (const job of [...(call.jobs ?? []).map((id) => this.#job(id)), ...inQueue])
      job.operations.push(deed(call, answer));
  }
}

function spanOf(call: Call, answer: Answer | undefined): Span {
  const ended = answer !== undefined && answer.outcome !== 'unknown';
  return { from: call.at, to: ended ? answer.at : Number.POSITIVE_INFINITY };
}

function deed<Name extends Operation>(call: CallOf<Name>, answer: Answer | undefined): Deed<Name> {
  const to = answer === undefined || answer.outcome === 'unknown' ? Number.POSITIVE_INFINITY : answer.at;
  return { call, from: call.at, to, outcome: answer?.outcome ?? 'unknown', state: answer?.state };
}

function list<Key, Value>(map: Map<Key, Value[]>, key: Key): Value[] {
  let values = map.get(key);
  if (values === undefined) {
    values = [];
    map.set(key, values);
  }
  return values;
}
