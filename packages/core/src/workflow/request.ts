import { type ReadEnvelope, readEnvelope, readParsedEnvelope } from '../envelope/envelope.ts';
import { jobNames, jobPolicies, optionsShape, stepOptionsShape } from '../envelope/job-shape.ts';
import { type Shape, shapeOf, type UnknownMember, unknownMembers } from '../envelope/unknown-members.ts';
import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { isObject, longList, members, readJson, readListObject } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { isUuidv7 } from '../uuid.ts';
import { joinMeta, mergeOptions, withDefaults } from './defaults.ts';
import { readGraph, readOrdered } from './graph.ts';
import { readParent, type SentParent } from './parent.ts';
import {
  type CallbackPlan,
  type CompositeKind,
  type CompositePlan,
  callbackNames,
  type JobPlan,
  type ListKey,
  maxEdges,
  maxNesting,
  maxNodes,
  type Plan,
  tooManyEdges,
  tooManyNodes,
  wrong,
} from './plan.ts';
import { noResults, workflowMembers } from './results.ts';
import { envelopeOf, readLabel, readStep, type Source, type Step } from './step.ts';

/** A job's envelope with its place in the request. */
export interface ReadStep {
  readonly path: string;
  readonly read: ReadEnvelope;
}

export interface ReadRequest {
  readonly id: string;
  readonly name: string;
  /** The step that waits for the workflow; null for none. */
  readonly parent: SentParent | null;
  /** Meta of the workflow; null where it has none. */
  readonly meta: Json | null;
  readonly plan: CompositePlan;
  /** Texts of the default options that the jobs of the plan point to. */
  readonly options: readonly Json[];
  readonly steps: readonly ReadStep[];
  /** Members that the protocol does not know, anywhere in the request. */
  readonly unknown: readonly UnknownMember[];
}

const kinds: readonly unknown[] = ['chain', 'group', 'batch', 'dag'] satisfies readonly CompositeKind[];

function isKind(value: unknown): value is CompositeKind {
  return kinds.includes(value);
}

/**
 * Reads a workflow request in any of its dialects (ojs-workflows §3, ojs-http-binding §14): `{type, steps | jobs,
 * callbacks}` nested, or `{name, steps}` with `depends_on`.
 * @param now in milliseconds; the jobs that wait for nothing are created then.
 * @param latest what relative times of the envelopes count from.
 * @param newId mints the ids of the jobs, and before them the workflow's if the client sent none. So an id that is
 * derived from a key does not depend on the jobs.
 * @throws ProtocolError `invalid_payload` or `invalid_request` with the place in the request, and what `readEnvelope`
 * throws about a job.
 */
export function readRequest(text: Json, now: Millis, newId: () => string, latest: Millis): ReadRequest {
  // Parsing 400,000 steps of 40 characters takes 0.5 s: a list that is too long is refused unparsed.
  const long = longList(text, ['steps', 'jobs'], maxNodes);
  if (long !== null) throw wrong(`$.${long}`, `a workflow must have fewer than ${maxNodes} jobs`);
  const values = readJson(text, 'The request body');
  if (!isObject(values)) throw new ProtocolError('invalid_payload', 'The request body must be a JSON object.');
  const id = values.id ?? null;
  if (id !== null && !isUuidv7(id)) throw wrong('$.id', 'id must be a UUIDv7 in lower case');
  const type = values.type ?? null;
  if (type !== null && !isKind(type))
    throw wrong('$.type', 'type must be chain, group, batch or dag, or left out where steps have depends_on');
  const name = readLabel(values.name ?? '', '$.name', 0);
  for (const key of ['meta', 'metadata'])
    if (!isObject(values[key] ?? {})) throw wrong(`$.${key}`, `${key} must be an object`);
  checkSize({ values, path: '$' }, type);
  const workflow = id ?? newId();
  const reader = new Reader(now, latest, newId, workflowMembers(workflow, noResults));
  const source = withItems({ values, text, path: '$' }, type);
  const plan = reader.composite(source, type, '', null, 1);
  return {
    id: workflow,
    name,
    parent: readParent(source),
    meta: joinMeta(source.members),
    plan,
    options: reader.options,
    steps: reader.steps,
    unknown: unknownMembers(values, workflowShape, '$'),
  };
}

/** A chain, group, batch or graph with the sources of its items. */
interface Composite extends Source {
  readonly members: ReadonlyMap<string, Json>;
  readonly key: ListKey;
  readonly items: readonly Source[];
}

function withItems({ values, text, path }: Source, type: CompositeKind | null): Composite {
  const { key, list } = listOf({ values, path }, type);
  const { members, elements } = readListObject(text, key);
  const items = list.map((item: unknown, index) => {
    const at = `${path}.${key}[${index}]`;
    if (!isObject(item)) throw wrong(at, 'a step must be an object');
    const { text = '{}', members = null } = elements[index] ?? {};
    return { values: item, text, path: at, members };
  });
  return { values, text, path, members, key, items };
}

class Reader {
  readonly options: Json[] = [];
  readonly steps: ReadStep[] = [];
  readonly #now: Millis;
  readonly #latest: Millis;
  readonly #newId: () => string;
  /** The last members of a job that waits for nothing: it starts as it is read here. */
  readonly #lastMembers: Json;

  constructor(now: Millis, latest: Millis, newId: () => string, lastMembers: Json) {
    this.#now = now;
    this.#latest = latest;
    this.#newId = newId;
    this.#lastMembers = lastMembers;
  }

  /**
   * @param type null derives the kind from the steps.
   * @param name of a nested composite, the prefix of the names of its items; '' for the workflow itself.
   * @param outer index of the options around it.
   */
  composite(
    source: Composite,
    type: CompositeKind | null,
    name: string,
    outer: number | null,
    level: number,
  ): CompositePlan {
    const options = this.#defaults(source, outer);
    const steps = source.items.map(readStep);
    checkNames(steps);
    const graph = type === null || type === 'dag' ? readGraph(steps) : readOrdered(type, steps);
    const prefix = name === '' ? '' : `${name}.`;
    const jobs = graph.jobs.map((step) => this.#item(step, `${prefix}${step.name}`, options, level));
    const listed = graph.callbacks.map(({ step, callback }) => ({
      ...this.#job(step, `${prefix}${step.name}`, options),
      callback,
    }));
    const callbacks = [...listed, ...this.#callbacks(source, prefix, options)];
    checkCallbacks(callbacks, type, source.path);
    return {
      kind: type ?? kindOf(graph.after, callbacks),
      name,
      key: source.key,
      items: jobs,
      after: graph.after,
      callbacks,
      listed: listed.length > 0,
    };
  }

  /** Index of the options that hold for the items: the composite's own on top of those around it. */
  #defaults({ values, members: texts, path }: Composite, outer: number | null): number | null {
    const own = values.options ?? null;
    if (own === null) return outer;
    if (!isObject(own)) throw wrong(`${path}.options`, 'options must be an object');
    const around = outer === null ? undefined : this.options[outer];
    const text = texts.get('options') ?? '{}';
    const merged = around === undefined ? text : mergeOptions(around, text);
    readEnvelope(`{"type":"options","args":[],"options":${merged}}`, this.#now, this.#newId, { at: path });
    return this.options.push(merged) - 1;
  }

  #item(step: Step, name: string, options: number | null, level: number): Plan {
    const type = nestedKind(step.values);
    if (type === null) return this.#job(step, name, options);
    if (level === maxNesting) throw wrong(step.path, `a workflow must not nest deeper than ${maxNesting} levels`);
    return this.composite(withItems(step, type), type, name, options, level + 1);
  }

  #job(source: Source, name: string, options: number | null): JobPlan {
    const text = envelopeOf(source);
    const defaults = options === null ? undefined : this.options[options];
    const [now, newId] = [this.#now, this.#newId];
    const context = {
      at: source.path,
      lastMembers: this.#lastMembers,
      latest: this.#latest,
      members: source.members ?? null,
    };
    const read =
      defaults === undefined && text === source.text
        ? readParsedEnvelope(text, source.values, now, newId, context)
        : readEnvelope(defaults === undefined ? text : withDefaults(text, defaults), now, newId, {
            ...context,
            members: null,
          });
    this.steps.push({ path: source.path, read });
    return { kind: 'job', name, id: read.job.id, text, options };
  }

  #callbacks(
    { values, members: texts, path }: Composite,
    prefix: string,
    options: number | null,
  ): readonly CallbackPlan[] {
    const given = values.callbacks ?? null;
    if (given === null) return [];
    if (!isObject(given)) throw wrong(`${path}.callbacks`, 'callbacks must be an object');
    const raw = members(texts.get('callbacks') ?? '{}');
    const unknown = [...raw.keys()].find((key) => !callbackNames.some((name) => name === key));
    if (unknown !== undefined)
      throw wrong(
        `${path}.callbacks`,
        `callbacks has ${JSON.stringify(unknown)}; it may have ${callbackNames.join(', ')}`,
      );
    return callbackNames.flatMap((callback) => {
      const item = given[callback] ?? null;
      if (item === null) return [];
      const at = `${path}.callbacks.${callback}`;
      if (!isObject(item)) throw wrong(at, 'a callback must be an object');
      return [
        {
          ...this.#job({ values: item, text: raw.get(callback) ?? '{}', path: at }, `${prefix}${callback}`, options),
          callback,
        },
      ];
    });
  }
}

/** The kind of an item that is a workflow itself. A job may have the type `group`; a group has jobs and no args. */
function nestedKind(values: Source['values']): CompositeKind | null {
  const { type } = values;
  const isNested = isKind(type) && type !== 'dag' && ('steps' in values || 'jobs' in values || !('args' in values));
  return isNested ? type : null;
}

function listOf(
  { values, path }: Pick<Source, 'values' | 'path'>,
  type: CompositeKind | null,
): { readonly key: ListKey; readonly list: readonly unknown[] } {
  const usual: ListKey = type === 'group' || type === 'batch' ? 'jobs' : 'steps';
  const other: ListKey = usual === 'steps' ? 'jobs' : 'steps';
  const has = (key: ListKey) => (values[key] ?? null) !== null;
  if (has(usual) && has(other)) throw wrong(`${path}.${other}`, 'a workflow has steps or jobs, not both');
  const key = has(other) ? other : usual;
  const list: unknown = values[key];
  if (!Array.isArray(list) || list.length === 0)
    throw wrong(`${path}.${key}`, `${key} must be an array of at least one job, such as [{"type": "a.b", "args": []}]`);
  return { key, list };
}

/**
 * Counts jobs and dependencies before any of them is read: a request of 15 MB that was refused for its size at the end
 * held the event loop for 0.9 s. A repeated entry of `depends_on` counts each time.
 * @throws ProtocolError `invalid_request` for {@link maxNodes} jobs, and for more than {@link maxNodes} nodes or
 * {@link maxEdges} dependencies.
 */
function checkSize(root: Pick<Source, 'values' | 'path'>, kind: CompositeKind | null): void {
  let jobs = 0;
  let nodes = 1;
  let edges = 0;
  /** @param entry the dependencies of an item that waits for no other item: those of the composite. */
  const count = (source: typeof root, type: CompositeKind | null, entry: number, level: number) => {
    if (level > maxNesting) return;
    const { key, list } = listOf(source, type);
    jobs += list.length;
    if (jobs >= maxNodes) throw wrong(`${source.path}.${key}`, `a workflow must have fewer than ${maxNodes} jobs`);
    const { callbacks } = source.values;
    const after = isObject(callbacks) ? Object.values(callbacks).filter((one) => one !== null).length : 0;
    nodes += list.length + (after > 0 ? after + 1 : 0);
    if (nodes > maxNodes) throw wrong('$', tooManyNodes);
    list.forEach((values: unknown, index) => {
      if (!isObject(values)) return;
      const named = Array.isArray(values.depends_on) ? values.depends_on.length : 0;
      const own = type === 'chain' && index > 0 ? 1 : named || entry;
      edges += own;
      if (edges > maxEdges) throw wrong('$', tooManyEdges);
      const nested = nestedKind(values);
      if (nested !== null) count({ values, path: `${source.path}.${key}[${index}]` }, nested, own, level + 1);
    });
  };
  count(root, kind, 0, 1);
}

function checkNames(steps: readonly Step[]): void {
  const paths = new Map<string, string>();
  for (const { name, path } of steps) {
    const other = paths.get(name);
    if (other !== undefined) throw wrong(`${path}.id`, `id must be unique; ${other} is ${JSON.stringify(name)} too`);
    paths.set(name, path);
  }
}

function checkCallbacks(callbacks: readonly CallbackPlan[], type: CompositeKind | null, path: string): void {
  if (type === 'batch' && callbacks.length === 0) {
    throw wrong(
      `${path}.callbacks`,
      `a batch must have at least one of ${callbackNames.join(', ')}; without any it is a group`,
    );
  }
  if (callbacks.length > 0 && (type === 'chain' || type === 'group')) {
    throw wrong(`${path}.callbacks`, `only a batch has callbacks; this is a ${type}`);
  }
  for (const name of callbackNames) {
    if (callbacks.filter(({ callback }) => callback === name).length > 1)
      throw wrong(path, `a batch must have one ${name} at most`);
  }
}

/**
 * A graph in which each step waits for the one before it is a chain, one in which none waits a group; with callbacks it
 * is a batch.
 */
function kindOf(after: CompositePlan['after'], callbacks: readonly CallbackPlan[]): CompositeKind {
  if (callbacks.length > 0) return 'batch';
  if (after.every((waits, index) => waits.length === Math.min(index, 1) && (index === 0 || waits[0] === index - 1)))
    return 'chain';
  return after.every((waits) => waits.length === 0) ? 'group' : 'dag';
}

const compositeNames = ['id', 'type', 'name', 'depends_on', 'meta', 'metadata'];

/** A step is a job, or a workflow within the workflow. */
const step: { members: Map<string, Shape | null>; readonly open: boolean } = { members: new Map(), open: true };
const callbacks = shapeOf([], Object.fromEntries(callbackNames.map((name) => [name, step])));
const lists = { steps: step, jobs: step, callbacks };
step.members = new Map(
  shapeOf([...jobNames, ...compositeNames], { ...jobPolicies, ...lists, options: stepOptionsShape }).members,
);

export const workflowShape: Shape = shapeOf([...compositeNames, 'parent'], { ...lists, options: optionsShape });
