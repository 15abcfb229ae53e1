import { nearestName } from '../suggestion.ts';
import { type CallbackName, wrong } from './plan.ts';
import { callbackOf, type Step } from './step.ts';

export interface Graph {
  /** The steps that are jobs, in order. */
  readonly jobs: readonly Step[];
  /** The dependencies of each job, as indexes into `jobs`. */
  readonly after: readonly (readonly number[])[];
  readonly callbacks: readonly { readonly step: Step; readonly callback: CallbackName }[];
}

/**
 * Resolves `depends_on` (ojs-http-binding §14.1) in time linear in steps and dependencies.
 * @throws ProtocolError `invalid_request` for an unknown step, a cycle, and a callback that does not end the whole
 * graph.
 */
export function readGraph(steps: readonly Step[]): Graph {
  const waits = resolve(steps);
  const kinds = callbacksOf(steps, waits);
  const places = new Map<number, number>();
  kinds.forEach((kind, index) => {
    if (kind === null) places.set(index, places.size);
  });
  if (places.size === 0)
    throw wrong(steps[0]?.path ?? '$', 'a workflow with callbacks needs at least one step that is no callback');
  const jobs = steps.filter((_, index) => places.has(index));
  const after = waits.flatMap((others, index) =>
    places.has(index) ? [others.flatMap((other) => places.get(other) ?? [])] : [],
  );
  checkAcyclic(jobs, after);
  return {
    jobs,
    after,
    callbacks: steps.flatMap((step, index) => (kinds[index] ? [{ step, callback: kinds[index] }] : [])),
  };
}

/**
 * The steps of a chain, group or batch. Their order decides their dependencies; a stated dependency may repeat it,
 * never contradict it.
 */
export function readOrdered(type: 'chain' | 'group' | 'batch', steps: readonly Step[]): Graph {
  const earlier = new Set<string>();
  const jobs: Step[] = [];
  const callbacks: { step: Step; callback: CallbackName }[] = [];
  for (const step of steps) {
    if (step.callback !== null && type !== 'batch')
      throw wrong(step.path, `only a batch has callbacks; this is a ${type}`);
    if (step.callback !== null) {
      callbacks.push({ step, callback: step.callback });
      continue;
    }
    step.dependsOn.forEach((name, index) => {
      if (type === 'chain' && earlier.has(name)) return;
      const reason =
        type === 'chain'
          ? `is no earlier step of the chain`
          : `the jobs of a ${type} depend on nothing; leave out type where steps depend on each other`;
      throw wrong(`${step.path}.depends_on[${index}]`, `depends_on names ${JSON.stringify(name)}: ${reason}`);
    });
    earlier.add(step.name);
    if (step.alias !== null) earlier.add(step.alias);
    jobs.push(step);
  }
  if (jobs.length === 0)
    throw wrong(steps[0]?.path ?? '$', 'a workflow with callbacks needs at least one job that is no callback');
  for (const { step } of callbacks) {
    const unknown = step.dependsOn.findIndex((name) => !earlier.has(name));
    if (unknown === -1) continue;
    throw wrong(
      `${step.path}.depends_on[${unknown}]`,
      `depends_on names ${JSON.stringify(step.dependsOn[unknown])}, which is no job of the batch`,
    );
  }
  return { jobs, after: jobs.map((_, index) => (type === 'chain' && index > 0 ? [index - 1] : [])), callbacks };
}

function resolve(steps: readonly Step[]): readonly (readonly number[])[] {
  const byName = placesOf(steps);
  return steps.map(({ path, dependsOn }) => {
    const found = dependsOn.map((name, at) => {
      const other = byName.get(name);
      if (other === undefined) {
        // Steps without an id have their number as a name.
        const names = [...byName.keys()].filter((known) => known.length > 1 && /\D/.test(known));
        const near = nearestName(name, names);
        const meant = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`;
        throw wrong(`${path}.depends_on[${at}]`, `depends_on names ${JSON.stringify(name)}, which is no step${meant}`);
      }
      return other;
    });
    return [...new Set(found)];
  });
}

/** Ids, and names that only one step has; an id goes before a name. */
function placesOf(steps: readonly Step[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const ambiguous = new Set<string>();
  steps.forEach(({ alias }, index) => {
    if (alias === null) return;
    if (places.has(alias)) ambiguous.add(alias);
    places.set(alias, index);
  });
  for (const alias of ambiguous) places.delete(alias);
  steps.forEach(({ name }, index) => {
    places.set(name, index);
  });
  return places;
}

/**
 * Returns the steps that are callbacks: those with a `callback_type`, and those with the id of a callback that wait for
 * everything else.
 */
function callbacksOf(steps: readonly Step[], after: readonly (readonly number[])[]): (CallbackName | null)[] {
  const kinds = steps.map(({ callback }) => callback);
  const ends = endsWithout(after, kinds);
  steps.forEach(({ path, dependsOn }, index) => {
    const waits = after[index] ?? [];
    const callback = waits.find((other) => kinds[other] !== null);
    if (callback !== undefined) {
      const at = dependsOn.findIndex((named) => named === steps[callback]?.name || named === steps[callback]?.alias);
      throw wrong(
        `${path}.depends_on[${at}]`,
        `depends_on names the callback ${JSON.stringify(dependsOn[at])}, on which nothing can depend`,
      );
    }
    if (kinds[index] !== null && waits.length > 0 && !covers(waits, ends)) {
      throw wrong(
        `${path}.depends_on`,
        'a callback depends on every job of its workflow; leave depends_on out, or name all of them',
      );
    }
  });
  const depended = new Set(after.flat());
  const byId = steps.map(({ name }, index) => kinds[index] ?? (depended.has(index) ? null : callbackOf(name)));
  const endsOfRest = endsWithout(after, byId);
  const agree = byId.every((kind, index) => {
    const waits = after[index] ?? [];
    return kind === kinds[index] || (waits.length > 0 && covers(waits, endsOfRest));
  });
  return agree ? byId : kinds;
}

/** The jobs on which no other job depends. */
function endsWithout(
  after: readonly (readonly number[])[],
  kinds: readonly (CallbackName | null)[],
): readonly number[] {
  const depended = new Set(after.flatMap((waits, index) => (kinds[index] === null ? waits : [])));
  return after.flatMap((_, index) => (kinds[index] === null && !depended.has(index) ? [index] : []));
}

function covers(waits: readonly number[], ends: readonly number[]): boolean {
  const all = new Set(waits);
  return ends.every((end) => all.has(end));
}

/** Takes away what waits for nothing until nothing is left; what is left over holds a cycle. */
function checkAcyclic(jobs: readonly Step[], after: readonly (readonly number[])[]): void {
  const open = after.map((waits) => waits.length);
  const next: number[][] = jobs.map(() => []);
  after.forEach((waits, job) => {
    for (const other of waits) next[other]?.push(job);
  });
  const free = open.flatMap((count, job) => (count === 0 ? [job] : []));
  for (const job of free) {
    for (const other of next[job] ?? []) {
      open[other] = (open[other] ?? 0) - 1;
      if (open[other] === 0) free.push(other);
    }
  }
  if (free.length === jobs.length) return;
  const cycle = cycleIn(after, (job) => (open[job] ?? 0) > 0).flatMap((job) => jobs[job] ?? []);
  const names = cycle.map(({ name }) => name);
  const listed = names.length > 10 ? [...names.slice(0, 9), '…'] : names;
  throw wrong(`${cycle[0]?.path}.depends_on`, `depends_on makes a cycle: ${[...listed, names[0]].join(' ← ')}`);
}

/** Walks back along jobs that are left over until it meets one again. */
function cycleIn(after: readonly (readonly number[])[], isLeft: (job: number) => boolean): readonly number[] {
  const walk: number[] = [];
  const seen = new Map<number, number>();
  let job = after.findIndex((_, index) => isLeft(index));
  while (!seen.has(job)) {
    seen.set(job, walk.length);
    walk.push(job);
    job = (after[job] ?? []).find(isLeft) ?? job;
  }
  return walk.slice(seen.get(job));
}
