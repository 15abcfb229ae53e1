import { type ManualClock, manualClock } from '@ojs-ts/core';
import { type JobRecord, type NewJob, State, Terminal, Waiting } from '@ojs-ts/core/job';
import { Engine } from '../../src/engine/engine.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { StoreUnavailable } from '../../src/storage/unavailable.ts';
import { faulty, randomOf } from '../storage/faulty.ts';
import { historyErrors, invariantErrors } from '../storage/invariants.ts';
import { items, newJob } from '../support/engine.ts';
import { newId } from '../support/ids.ts';

export interface MixOptions {
  readonly seed: number;
  /** One in so many calls of each operation of the storage fails. */
  readonly every: number;
  /** Jobs of each kind, and a tenth as many workflows. */
  readonly size: number;
}

export interface Mixed {
  readonly flaws: readonly string[];
  /** Calls that failed up to whoever made them: the engine makes some of them again by itself. */
  readonly faults: number;
  readonly ticks: number;
}

const slots = 2;
const uniqueKeys = 3;
const queues = ['q'];

/**
 * Two engines on one storage that fails, and callers that make each failed call again at any of them, until all of it
 * is done.
 */
export async function mix(url: string, { seed, every, size }: MixOptions): Promise<Mixed> {
  await using storage = await openStorage(url);
  const clock = manualClock();
  const random = randomOf(`mix ${seed}`);
  let faults = 0;
  async function survive<T>(call: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || tries > 10_000) throw error;
        faults++;
      }
    }
  }
  const start = (node: number) => {
    const failing = faulty(storage, { seed: seed + node, every });
    return survive(() => Engine.start({ storage: failing, clock, random, upkeep: 'manual', visibilityMs: 30_000 }));
  };
  await using first = await start(0);
  await using second = await start(1);
  const any = () => (random() < 0.5 ? first : second);
  // Loops of their own, as in a server: each tries again the next time.
  const keepUp = () =>
    Promise.all(
      [first, second].flatMap(({ upkeep, crons, workflows }) => {
        const loops = [
          () => upkeep.promote(),
          () => upkeep.settleOverdue(),
          () => upkeep.settleLiveness(),
          () => upkeep.prune(),
        ];
        return [...loops, async () => crons.fireDue(), () => workflows.finish()].map((loop) => loop().catch(nothing));
      }),
    );
  const world: World = { storage, clock, random, any, survive };

  const cron =
    '{"name":"tick","cron":"@every 2s","overlap_policy":"allow","type":"cron.run","options":{"queue":"q","retry":{"max_attempts":20}}}';
  await survive(async () => any().crons.register(cron, async () => {}));
  const producer = new Producer(world, size);
  const workers = ['w0', 'w1', 'w2'].map((id) => new Worker(world, id));
  for (let round = 0; round < 2_000; round++) {
    await Promise.all([producer.turn(), ...workers.map((worker) => worker.turn())]);
    clock.advance(200 + Math.floor(random() * 500));
    await keepUp();
    if (producer.isDone && round >= 40) break;
  }
  const { runCount } = await survive(async () => any().crons.get('tick'));
  await survive(async () => any().crons.remove('tick')).catch(ignoreMissing);
  const isDone = async () => {
    const jobs = await storage.jobs.list({ states: 0xff & ~Terminal, limit: 1 });
    const running = await storage.workflows.list({ states: ['running'], limit: 1 });
    return jobs.items.length + running.items.length === 0;
  };
  for (let round = 0; round < 500 && !(await isDone()); round++) {
    await Promise.all(workers.map((worker) => worker.turn()));
    clock.advance(1_000);
    await keepUp();
  }
  const flaws = [
    ...(await producer.flaws()),
    ...workers.flatMap((worker) => worker.flaws),
    ...executionFlaws(workers),
    ...(await cronFlaws(storage, runCount)),
    ...(await invariantErrors(storage)),
    ...(await historyErrors(storage, producer.rules())),
  ];
  return { flaws, faults, ticks: runCount };
}

interface World {
  readonly storage: Storage;
  readonly clock: ManualClock;
  readonly random: () => number;
  readonly any: () => Engine;
  readonly survive: <T>(call: () => Promise<T>) => Promise<T>;
}

class Producer {
  readonly #world: World;
  readonly #kinds: readonly ('plain' | 'later' | 'limited' | 'unique' | 'workflow')[];
  readonly #accepted = new Map<string, NewJob>();
  readonly #workflows: string[] = [];
  #next = 0;
  #refused = 0;

  constructor(world: World, size: number) {
    this.#world = world;
    const kinds = ['plain', 'later', 'limited', 'unique'] as const;
    this.#kinds = Array.from({ length: size }, (_, number) => [
      ...kinds,
      ...(number % 10 === 0 ? (['workflow'] as const) : []),
    ]).flat();
  }

  get isDone(): boolean {
    return this.#next >= this.#kinds.length;
  }

  async turn(): Promise<void> {
    const kinds = this.#kinds.slice(this.#next, this.#next + 4);
    this.#next += kinds.length;
    await Promise.all(kinds.map((kind) => (kind === 'workflow' ? this.#create() : this.#push(kind))));
  }

  async #push(kind: 'plain' | 'later' | 'limited' | 'unique'): Promise<void> {
    const { clock, random, survive, any } = this.#world;
    const key = `key ${Math.floor(random() * uniqueKeys)}`;
    const job = newJob(clock.now(), {
      type: `${kind}.job`,
      policy: '{"retry":{"maxAttempts":20}}',
      ...(kind === 'later' && { state: State.scheduled, runAt: clock.now() + 3_000 }),
      ...(kind === 'limited' && { limits: [{ key: 'slots', concurrency: slots, rates: [] }] }),
      ...(kind === 'unique' && {
        unique: { key, states: Waiting | State.active, createdAfter: null, onConflict: 'keep' } as const,
      }),
    });
    const { kind: answer } = await survive(() => any().jobs.push(items([job])));
    if (answer === 'refused') this.#refused++;
    else this.#accepted.set(job.id, job);
  }

  async #create(): Promise<void> {
    const { survive, any } = this.#world;
    const id = newId();
    const job = (type: string) => ({ type, args: [], options: { queue: 'q', retry: { max_attempts: 20 } } });
    const request = [
      { type: 'chain', steps: [job('a.step'), job('b.step'), job('c.step')] },
      { type: 'group', jobs: [job('a.part'), job('b.part'), job('c.part')] },
      { type: 'batch', jobs: [job('a.part'), job('b.part')], callbacks: { on_complete: job('call.back') } },
    ][this.#workflows.length % 3];
    this.#workflows.push(id);
    await survive(async () => {
      const engine = any();
      return engine.workflows.create(engine.workflows.read(JSON.stringify({ id, ...request }), newId));
    });
  }

  /** What was accepted was done, and what was refused was refused for a reason. */
  async flaws(): Promise<readonly string[]> {
    const { storage } = this.#world;
    const ids = [...this.#accepted.keys()];
    const records = await storage.jobs.get(ids);
    const undone = records.flatMap((record, index) =>
      record?.state === State.completed
        ? []
        : [`accepted job ${ids[index]} is ${record ? `in state ${record.state}` : 'missing'}`],
    );
    const workflows = await Promise.all(this.#workflows.map((id) => storage.workflows.get(id)));
    const running = workflows.flatMap((workflow, index) =>
      workflow?.state === 'completed' ? [] : [`workflow ${this.#workflows[index]} is ${workflow?.state ?? 'missing'}`],
    );
    const pushed = this.#kinds.filter((kind) => kind !== 'workflow').length;
    const lost = this.#refused + this.#accepted.size === pushed ? [] : [`of ${pushed} pushes some have no answer`];
    return [...undone, ...running, ...lost];
  }

  rules(): Parameters<typeof historyErrors>[1] {
    const jobs = [...this.#accepted.values()];
    return {
      holders: new Map(jobs.flatMap(({ id, unique }) => (unique ? [[id, unique.key] as const] : []))),
      limited: new Map(jobs.flatMap(({ id, limits }) => limits.map(({ key }) => [id, key] as const))),
      slots: new Map([['slots', slots]]),
    };
  }
}

class Worker {
  readonly flaws: string[] = [];
  /** Of each execution that it began: the job and its claim. */
  readonly began: string[] = [];
  readonly completed: string[] = [];
  readonly #world: World;
  readonly #id: string;
  #held: readonly JobRecord[] = [];
  #fetches = 0;
  #turns = 0;

  constructor(world: World, id: string) {
    this.#world = world;
    this.#id = id;
  }

  async turn(): Promise<void> {
    const { random, survive, any } = this.#world;
    const ending = this.#held.filter(() => random() < 0.7);
    this.#held = this.#held.filter((job) => !ending.includes(job));
    await Promise.all([...ending.map((job) => this.#end(job)), this.#fetch()]);
    if (this.#turns++ % 3 !== 0) return;
    const holds = this.#held.map(({ id, claim }) => ({ id, claim }));
    const { lost } = await survive(() =>
      any().protocol.beat({ worker: this.#id, holds, leaseMs: null, state: 'running', info: '{}' }),
    );
    if (lost.length > 0) this.flaws.push(`${this.#id} lost ${lost} while it held them`);
  }

  async #fetch(): Promise<void> {
    const { random, survive, any } = this.#world;
    const own = { queues, count: 1 + Math.floor(random() * 4), worker: this.#id, leaseMs: null, waitMs: 0 };
    const request = `${this.#id} ${this.#fetches++}`;
    // One in ten has no id, and is not made again: what it claimed comes back by itself.
    const jobs =
      random() < 0.1
        ? await any()
            .protocol.fetch({ ...own, request: null })
            .catch(nothing)
        : await survive(() => any().protocol.fetch({ ...own, request }));
    this.#held = [...this.#held, ...jobs];
    this.began.push(...jobs.map(({ id, claim }) => `${id} ${claim}`));
  }

  async #end({ id, claim, attempt }: JobRecord): Promise<void> {
    const { random, survive, any } = this.#world;
    const own = { id, claim, worker: this.#id };
    const fate = attempt > 3 ? 1 : random();
    const failure = { code: 'boom', type: 'boom', message: 'boom', names: [] };
    const { kind } = await survive(() => {
      if (fate < 0.1) return any().protocol.settle({ ...own, kind: 'fail', failure });
      if (fate < 0.2) return any().protocol.settle({ ...own, kind: 'requeue', reason: 'busy', delayMs: 0 });
      return any().protocol.settle({ ...own, kind: 'ack', result: '1' });
    });
    const expected = fate < 0.1 ? 'retryable' : fate < 0.2 ? 'requeued' : 'completed';
    if (kind === 'completed') this.completed.push(id);
    if (kind !== expected) this.flaws.push(`${this.#id} was answered ${kind} for job ${id}, expected ${expected}`);
  }
}

function executionFlaws(workers: readonly Worker[]): readonly string[] {
  const began = workers.flatMap((worker) => worker.began);
  const completed = workers.flatMap((worker) => worker.completed);
  return [
    ...repeated(began).map((execution) => `${execution} was handed out twice`),
    ...repeated(completed).map((id) => `job ${id} was completed twice`),
  ];
}

/** A run of the cron is one job, and all of them were done. */
async function cronFlaws(storage: Storage, runs: number): Promise<readonly string[]> {
  const { items: jobs } = await storage.jobs.list({ states: 0xff, type: 'cron.run', limit: 1_000_000 });
  const dates = jobs.map(({ createdAt }) => `${createdAt}`);
  return [
    ...(jobs.length === runs ? [] : [`${runs} runs of the cron made ${jobs.length} jobs`]),
    ...repeated(dates).map((date) => `the cron ran twice at ${date}`),
    ...jobs.filter(({ state }) => state !== State.completed).map(({ id }) => `run ${id} of the cron was not done`),
  ];
}

function repeated(texts: readonly string[]): readonly string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index);
}

function nothing(error: unknown): readonly JobRecord[] {
  if (error instanceof StoreUnavailable) return [];
  throw error;
}

/** A removal that took effect before it failed finds nothing when it is made again. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('no cron')) throw error;
}
