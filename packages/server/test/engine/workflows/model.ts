import { type ManualClock, manualClock, ProtocolError } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { Engine } from '../../../src/engine/engine.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { newId } from '../../support/ids.ts';

/** A job of a random workflow, or a composite of them. */
type Item =
  | { readonly kind: 'job' }
  | { readonly kind: 'chain' | 'group' | 'batch'; readonly items: readonly Item[]; readonly callbacks: number };

const { tree } = fc.letrec<{ tree: Item; job: Item }>((tie) => ({
  job: fc.constant<Item>({ kind: 'job' }),
  tree: fc.record({
    kind: fc.constantFrom('chain', 'group', 'batch'),
    items: fc.array(fc.oneof({ depthSize: 'small', maxDepth: 3 }, tie('job'), tie('tree')), {
      minLength: 1,
      maxLength: 4,
    }),
    callbacks: fc.integer({ min: 1, max: 7 }),
  }),
}));

const graph = fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 10 });

export const anyWorkflow: fc.Arbitrary<object> = fc.oneof(
  tree.map((item) => requestOf(item, newNames())),
  graph.map(dagOf),
);

/** Decides the fate of the n-th call of the store, of the n-th execution, and of the next move of the world. */
export interface Fates {
  readonly calls: readonly ('works' | 'crashes before' | 'crashes after')[];
  readonly ends: readonly ('ack' | 'discard' | 'cancel' | 'expire')[];
  /** What a person does each time that the workflow has ended. */
  readonly again: readonly ('retry workflow' | 'retry jobs' | 'retry one' | 'delete one')[];
}

export const anyFates: fc.Arbitrary<Fates> = fc.record({
  calls: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('works' as const) },
      { weight: 1, arbitrary: fc.constantFrom('crashes before' as const, 'crashes after' as const) },
    ),
    { maxLength: 60 },
  ),
  ends: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('ack' as const) },
      fc.constantFrom('discard' as const, 'cancel' as const, 'expire' as const),
    ),
    { maxLength: 40 },
  ),
  again: fc.array(fc.constantFrom('retry workflow' as const, 'retry jobs', 'retry one', 'delete one'), {
    maxLength: 4,
  }),
});

export interface Played {
  readonly state: string;
  /** Times that each job type was started as a job of its own. */
  readonly jobs: ReadonlyMap<string, number>;
  /** Times that each job type completed. */
  readonly completed: ReadonlyMap<string, number>;
  /** How often the workflow was opened again. */
  readonly reopened: number;
  readonly open: number;
  /** Nodes whose jobs could not be made: none of them has a unique key. */
  readonly refused: number;
  /** Jobs that got other results of their parents in a later attempt than in the first, or none. */
  readonly changed: readonly string[];
}

/**
 * Clears the store and runs one workflow to its end under crashes: after each one another engine takes over the store.
 */
export async function play(storage: Storage, request: object, fates: Fates): Promise<Played> {
  await storage.clear();
  const clock = manualClock();
  const world = new World(storage, clock, fates);
  const id = newId();
  await world.survive((engine) =>
    engine.workflows.create(engine.workflows.read(JSON.stringify({ id, ...request }), ids(id))),
  );
  const jobs = new Map<string, Set<string>>();
  const parents = new Map<string, unknown>();
  const changed: string[] = [];
  let acts = 0;
  for (let turn = 0; turn < 400; turn++) {
    const workflow = await storage.workflows.get(id);
    if (workflow !== null && workflow.state !== 'running') {
      const next = fates.again[acts++];
      if (next === undefined) break;
      await world.doAgain(id, next, acts);
      continue;
    }
    const claimed = await world.survive((engine) =>
      engine.protocol.fetch({ queues: ['q'], count: 1, worker: null, leaseMs: null, request: `${turn}`, waitMs: 0 }),
    );
    const [job] = claimed;
    if (job === undefined) await world.survive((engine) => engine.upkeep.run());
    else {
      const seen = jobs.get(job.type) ?? new Set();
      jobs.set(job.type, seen.add(job.id));
      const given = JSON.stringify(JSON.parse(job.envelope).parent_results);
      if (!given.startsWith('[') || (parents.get(job.id) ?? given) !== given) changed.push(job.type);
      parents.set(job.id, given);
      await world.end(job);
    }
  }
  const workflow = await storage.workflows.get(id);
  const nodes = await storage.workflows.nodes(id, -1, 10_000);
  return {
    state: workflow?.state ?? 'missing',
    jobs: new Map([...jobs].map(([type, seen]) => [type, seen.size])),
    completed: world.completed,
    reopened: acts,
    open: nodes.filter(({ state }) => state === 'waiting' || state === 'pending').length,
    refused: nodes.filter(({ error }) => error !== null).length,
    changed,
  };
}

/** The store that crashes, and the engines that come and go over it. */
class World {
  readonly #storage: Storage;
  readonly #clock: ManualClock;
  readonly #fates: Fates;
  readonly completed = new Map<string, number>();
  #call = 0;
  #end = 0;

  constructor(storage: Storage, clock: ManualClock, fates: Fates) {
    this.#storage = storage;
    this.#clock = clock;
    this.#fates = fates;
  }

  /** Tries until it works, each time with a new engine: what the one before knew is gone. */
  async survive<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    for (;;) {
      const engine = await Engine.start({
        storage: this.#crashing(),
        clock: this.#clock,
        random: () => 0.5,
        upkeep: 'manual',
      });
      try {
        return await work(engine);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
  }

  /** Retries dead steps of an ended workflow, or deletes one. What is refused changes nothing. */
  async doAgain(workflow: string, what: Fates['again'][number], key: number): Promise<void> {
    const nodes = await this.#storage.workflows.nodes(workflow, -1, 10_000);
    const ids = nodes.flatMap(({ job, state }) => (job !== null && state === 'failed' ? [job] : []));
    const [one] = ids;
    await this.survive(async (engine) => {
      if (what === 'retry workflow') await engine.workflows.retry(workflow, `key ${key}`);
      else if (what === 'retry jobs') await engine.bulk.retry({ ids }, `key ${key}`);
      else if (one !== undefined && what === 'retry one') await engine.lifecycle.rerun(one, `key ${key}`);
      else if (one !== undefined) await this.#storage.jobs.remove([one], { from: State.discarded }, this.#clock.now());
    }).catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error;
    });
  }

  async end(job: JobRecord): Promise<void> {
    const fate = this.#fates.ends[this.#end++] ?? 'ack';
    if (fate === 'ack') this.completed.set(job.type, (this.completed.get(job.type) ?? 0) + 1);
    const { id, claim } = job;
    const own = { id, claim, worker: null };
    if (fate === 'ack')
      await this.survive((engine) => engine.protocol.settle({ ...own, kind: 'ack', result: `"${job.type}"` }));
    else if (fate === 'cancel') await this.survive(async (engine) => engine.lifecycle.cancel(id, 'once'));
    else if (fate === 'discard') {
      const failure = { code: 'boom', type: 'boom', message: 'boom', retryable: false, names: [] };
      await this.survive((engine) => engine.protocol.settle({ ...own, kind: 'fail', failure }));
    } else {
      this.#clock.set(this.#clock.now() + 1_800_000);
      await this.survive((engine) => engine.upkeep.run());
    }
  }

  #crashing(): Storage {
    const storage = this.#storage;
    const wrap = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        const fate = this.#fates.calls[this.#call++] ?? 'works';
        if (fate === 'crashes before') throw new Crash();
        const result = await call(...args);
        if (fate === 'crashes after') throw new Crash();
        return result;
      };
    };
    return {
      ...storage,
      jobs: { ...storage.jobs, claim: wrap(storage.jobs.claim), transition: wrap(storage.jobs.transition) },
      workflows: {
        ...storage.workflows,
        create: wrap(storage.workflows.create),
        advance: wrap(storage.workflows.advance),
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

class Crash extends Error {}

/** The same ids for every try: a client's, or those of an idempotency key. */
function ids(seed: string): () => string {
  let next = 0;
  return () => `${seed.slice(0, 24)}${(next++).toString(16).padStart(12, '0')}`;
}

function newNames(): () => string {
  let next = 0;
  return () => `t${next++}.job`;
}

function requestOf(item: Item, name: () => string): object {
  if (item.kind === 'job') return jobOf(name());
  const items = item.items.map((one) => requestOf(one, name));
  if (item.kind === 'chain') return { type: 'chain', steps: items };
  if (item.kind === 'group') return { type: 'group', jobs: items };
  const callbacks = ['on_complete', 'on_success', 'on_failure'].filter((_, bit) => (item.callbacks & (1 << bit)) !== 0);
  return {
    type: 'batch',
    jobs: items,
    callbacks: Object.fromEntries(callbacks.map((callback) => [callback, jobOf(`callback.${name()}`)])),
  };
}

function dagOf(edges: readonly (readonly number[])[]): object {
  const steps = edges.map((before, index) => {
    const depends = new Set(before.filter((one) => one < index).map((one) => `s${one}`));
    return { id: `s${index}`, ...jobOf(`t${index}.job`), depends_on: [...depends] };
  });
  return { name: 'graph', steps };
}

function jobOf(type: string): object {
  return { type, args: [], options: { queue: 'q', retry: { max_attempts: 1 } } };
}

/**
 * Every step was made at most once and completed at most once, callbacks at most once for each end, and the workflow
 * has ended.
 */
export function flaws({ state, jobs, completed, reopened, open, refused, changed }: Played): readonly string[] {
  const most = (type: string) => (type.startsWith('callback.') ? 1 + reopened : 1);
  const over = (counts: ReadonlyMap<string, number>, what: string) =>
    [...counts].filter(([type, count]) => count > most(type)).map(([type, count]) => `${type} ${what} ${count} times`);
  const twice = [...over(jobs, 'was made'), ...over(completed, 'completed')];
  const ended = state === 'completed' || state === 'failed';
  return [
    ...twice,
    ...(ended ? [] : [`the workflow is ${state}`]),
    ...(open === 0 ? [] : [`${open} nodes are still open`]),
    ...(refused === 0 ? [] : [`${refused} jobs were refused`]),
    ...changed.map((type) => `${type} got other results of its parents`),
  ];
}
