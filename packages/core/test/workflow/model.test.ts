import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Outcome, Toy } from './toy.ts';

/** A request as the tests write it: the outcome of each job stands in its args. */
interface Job {
  readonly type: string;
  readonly args: readonly [outcome: 'ok' | 'fail' | 'cancel', result: unknown];
}
interface Composite {
  readonly type: 'chain' | 'group' | 'batch';
  readonly steps: readonly Item[];
  readonly callbacks?: { readonly [name: string]: Job };
}
interface Graph {
  readonly type?: 'dag';
  readonly steps: readonly (Job & {
    readonly id: string;
    readonly depends_on: readonly string[];
    readonly options?: { readonly callback_type: string };
  })[];
}
type Item = Job | Composite;

/** What should become of a job: whether it runs, what it is given, and which jobs must have ended before. */
interface Expected {
  readonly runs: boolean;
  readonly parents: readonly unknown[];
  readonly before: ReadonlySet<string>;
}
interface Ended {
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly result: unknown;
  /** Jobs within. */
  readonly jobs: ReadonlySet<string>;
}
interface Entry {
  readonly entered: boolean;
  readonly parents: readonly unknown[];
  readonly before: ReadonlySet<string>;
}

/** The semantics of ojs-workflows §4 to §10 as a plain recursion over the request, which knows nothing of nodes. */
class Reference {
  readonly jobs = new Map<string, Expected>();

  item(item: Item, entry: Entry): Ended {
    return 'args' in item ? this.job(item, entry) : this.composite(item, entry);
  }

  job({ type, args: [outcome, result] }: Job, { entered, parents, before }: Entry): Ended {
    this.jobs.set(type, { runs: entered, parents, before });
    const jobs = new Set([type]);
    if (!entered) return { state: 'cancelled', result: null, jobs };
    return outcome === 'ok' ? { state: 'completed', result, jobs } : { state: 'failed', result: null, jobs };
  }

  composite({ type, steps, callbacks = {} }: Composite, entry: Entry): Ended {
    const items: Ended[] = [];
    let open = entry.entered;
    for (const step of steps) {
      const within: Entry =
        type === 'chain' && items.length > 0
          ? {
              entered: open,
              parents: items.map(({ result }) => result),
              before: union(entry.before, ...items.map(({ jobs }) => jobs)),
            }
          : entry;
      const item = this.item(step, within);
      items.push(item);
      open &&= type !== 'chain' || item.state === 'completed';
    }
    const ok = items.every(({ state }) => state === 'completed');
    const jobs = union(...items.map((item) => item.jobs));
    const results = items.map(({ result }) => result);
    if (type !== 'batch') {
      const result = type === 'chain' ? results.at(-1) : results;
      return { state: entry.entered ? (ok ? 'completed' : 'failed') : 'cancelled', result: ok ? result : null, jobs };
    }
    return this.callbacks(
      callbacks,
      { entered: entry.entered, parents: results, before: union(entry.before, jobs) },
      ok,
      results,
    );
  }

  callbacks(callbacks: NonNullable<Composite['callbacks']>, entry: Entry, ok: boolean, results: unknown): Ended {
    const due = (name: string) => name === 'on_complete' || name === (ok ? 'on_success' : 'on_failure');
    const ended = Object.entries(callbacks).map(([name, job]) => ({
      isDue: due(name),
      ...this.job(job, { ...entry, entered: entry.entered && due(name) }),
    }));
    const fine = ended.every(({ isDue, state }) => !isDue || state === 'completed');
    const jobs = union(entry.before, ...ended.map((one) => one.jobs));
    return {
      state: entry.entered ? (fine ? 'completed' : 'failed') : 'cancelled',
      result: fine && entry.entered ? results : null,
      jobs,
    };
  }

  graph({ steps }: Graph): Ended {
    const ended = new Map<string, Ended>();
    const members = steps.filter(({ options }) => options === undefined);
    const visit = (step: Graph['steps'][number]): Ended => {
      const known = ended.get(step.id);
      if (known) return known;
      const deps = step.depends_on.map((id) => visit(steps.find((other) => other.id === id) ?? step));
      const entered = deps.every(({ state }) => state === 'completed');
      const own = this.job(step, {
        entered,
        parents: deps.map(({ result }) => result),
        before: union(...deps.map(({ jobs }) => jobs)),
      });
      const result = { ...own, jobs: union(own.jobs, ...deps.map(({ jobs }) => jobs)) };
      ended.set(step.id, result);
      return result;
    };
    const all = members.map(visit);
    const ok = all.every(({ state }) => state === 'completed');
    const callbacks = Object.fromEntries(
      steps.flatMap((step) => (step.options ? [[step.options.callback_type, step]] : [])),
    );
    const results = all.map(({ result }) => result);
    if (Object.keys(callbacks).length === 0) return { state: ok ? 'completed' : 'failed', result: null, jobs: union() };
    return this.callbacks(
      callbacks,
      { entered: true, parents: results, before: union(...all.map(({ jobs }) => jobs)) },
      ok,
      results,
    );
  }
}

function union<T>(...sets: readonly ReadonlySet<T>[]): ReadonlySet<T> {
  return new Set(sets.flatMap((set) => [...set]));
}

// Types are given out afterwards, so that each job has its own.
const outcome = fc.constantFrom('ok', 'ok', 'ok', 'ok', 'fail', 'cancel');
const job = fc.record({
  args: fc.tuple(outcome, fc.oneof(fc.constant(null), fc.nat(9), fc.jsonValue({ maxDepth: 1 }))),
});
const { composite } = fc.letrec((tie) => ({
  item: fc.oneof({ depthSize: 'small', withCrossShrink: true }, job, tie('composite')),
  composite: fc.oneof(
    fc.record({
      type: fc.constantFrom('chain', 'group'),
      steps: fc.array(tie('item'), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      type: fc.constant('batch'),
      steps: fc.array(tie('item'), { minLength: 1, maxLength: 4 }),
      callbacks: fc.oneof(
        fc.record({ on_complete: job, on_success: job, on_failure: job }, { requiredKeys: ['on_complete'] }),
        fc.record({ on_success: job, on_failure: job }, { requiredKeys: ['on_success'] }),
        fc.record({ on_failure: job }),
      ),
    }),
  ),
}));

function typed(value: unknown, next: { count: number } = { count: 0 }): unknown {
  if (Array.isArray(value)) return value.map((item) => typed(item, next));
  if (typeof value !== 'object' || value === null) return value;
  if ('args' in value) return { ...value, type: `j${next.count++}` };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, typed(inner, next)]));
}

// Through JSON once, where -0 is 0.
const tree = composite.map((value) => JSON.parse(JSON.stringify(typed(value))) as Composite);

const graph: fc.Arbitrary<Graph> = fc
  .record({
    // Of step i: which of the steps before it, in an order of their own, it waits for.
    waits: fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 }),
    jobs: fc.array(job, { minLength: 8, maxLength: 8 }),
    callbacks: fc.uniqueArray(fc.constantFrom('on_complete', 'on_success', 'on_failure'), { maxLength: 3 }),
    seed: fc.integer(),
  })
  .map(({ waits, jobs, callbacks, seed }) => {
    const names = waits.map((_, index) => `s${index}`);
    const steps = waits.map((list, index) => ({
      id: `s${index}`,
      type: `j${index}`,
      args: jobs[index]?.args ?? ['ok', null],
      depends_on: [...new Set(list.filter((other) => other < index))].map((other) => `s${other}`),
    }));
    const ends = callbacks.map((name, index) => ({
      id: `c${index}`,
      type: `c${index}`,
      args: jobs[7 - index]?.args ?? ['ok', null],
      depends_on: names,
      options: { callback_type: name },
    }));
    // Without a type a linear graph is a chain, which is given more results.
    return JSON.parse(JSON.stringify({ type: 'dag', steps: shuffled([...steps, ...ends], random(seed)) }));
  });

function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function shuffled<T>(items: readonly T[], below: (bound: number) => number): readonly T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(below(left.length), 1));
}

/** Runs a workflow to its end with steps and outcomes in random order, each step now and then a second time. */
function runToEnd(toy: Toy, expected: ReadonlyMap<string, Expected>, below: (bound: number) => number): void {
  const applied: Parameters<Toy['apply']>[0][] = [];
  const typeOf = new Map(toy.nodes.map(({ index, spec }) => [index, JSON.parse(spec).run?.type]));
  const nodeOf = new Map([...typeOf].map(([index, type]) => [type, index]));
  for (let turns = 0; toy.workflow.state === 'running'; turns++) {
    expect(turns).toBeLessThan(1_000);
    toy.now++;
    const ready = toy.ready();
    const running = toy.running();
    expect(ready.length + running.length).toBeGreaterThan(0);
    const pick = below(ready.length + running.length);
    const node = ready[pick];
    if (node) {
      const step = toy.decide(node.index);
      const again = toy.decide(node.index, toy.now + 86_400_000);
      if (step.kind === 'start') {
        expect(again.kind === 'start' && again.job.envelope).toBe(step.job.envelope);
        for (const type of expected.get(step.job.type)?.before ?? [])
          expect(toy.node(nodeOf.get(type) ?? -1).closedAt).not.toBeNull();
      }
      expect(toy.apply(step)).toBe(true);
      applied.push(step);
    } else {
      const ending = running[pick - ready.length];
      const [how, result] = JSON.parse(ending?.envelope ?? '').args;
      toy.finish(
        ending?.id ?? '',
        how === 'ok' ? { ok: result === null ? null : JSON.stringify(result) } : (how as Outcome),
      );
    }
    const repeated = applied[below(applied.length * 2)];
    if (repeated) expect(toy.apply(repeated)).toBe(false);
  }
}

function check(toy: Toy, reference: Reference, ended: Ended): void {
  expect(toy.workflow.state).toBe(ended.state);
  expect([...toy.closed].sort((a, b) => a - b)).toEqual(toy.nodes.map(({ index }) => index));
  for (const [type, { runs, parents }] of reference.jobs) {
    const found = [...toy.jobs.values()].filter((job) => job.type === type);
    expect(found.length).toBe(runs ? 1 : 0);
    if (found[0])
      expect(JSON.parse(toy.textOf(found[0]))).toMatchObject({ workflow_id: toy.workflow.id, parent_results: parents });
  }
  expect(toy.started.length).toBe(new Set(toy.started).size);
  const { completed, failed, cancelled, total } = toy.workflow;
  expect(completed + failed + cancelled).toBe(total);
  const fired = toy.events.filter((event) => event.startsWith('["workflow.callback_fired"')).length;
  expect(fired).toBe(toy.started.filter((index) => !toy.node(index).member).length);
  expect(toy.eventKinds().filter((kind) => kind === 'workflow.completed' || kind === 'workflow.failed')).toEqual([
    `workflow.${ended.state}`,
  ]);
  const rendered = toy.rendered();
  expect(rendered.state).toBe(ended.state);
  expect((rendered.failed_job_ids ?? []).length).toBe(
    toy.nodes.filter(({ index, state }) => toy.started.includes(index) && state !== 'completed').length,
  );
}

test('a nested workflow ends as the text says, in any order of events', () => {
  fc.assert(
    fc.property(tree, fc.integer(), (request, seed) => {
      const reference = new Reference();
      const ended = reference.composite(request, { entered: true, parents: [], before: new Set() });
      const toy = Toy.create(request);
      runToEnd(toy, reference.jobs, random(seed));
      check(toy, reference, ended);
    }),
    { numRuns: 400 },
  );
});

test('a graph of steps ends as the text says, in any order of events', () => {
  fc.assert(
    fc.property(graph, fc.integer(), (request, seed) => {
      const reference = new Reference();
      const ended = reference.graph(request);
      const toy = Toy.create(request);
      runToEnd(toy, reference.jobs, random(seed));
      check(toy, reference, ended);
    }),
    { numRuns: 400 },
  );
});
