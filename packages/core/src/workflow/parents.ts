import type { JobRecord, Json } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import { type Answered, ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { maxResults, parentsOf, resultMembers, resultsOf } from './results.ts';
import type { Parents } from './spec.ts';
import type { NodeRecord } from './types.ts';

const member = 'parent_results';
const mark = `"${member}":{`;

/** The steps whose results a job gets, as its stored envelope names them. */
export interface ParentsRef {
  readonly workflow: string;
  /** When the workflow was created: with its id, one workflow for ever, even if the id is used again. */
  readonly at: Millis;
  readonly parents: Parents;
}

/**
 * The members of the stored envelope of a step's job. It names the steps before it, whose nodes have the results: when
 * each of a hundred siblings had a copy of all earlier results, a chain of groups was quadratic.
 */
export function parentsMembers({ workflow, at, parents: { block, deps = [] } }: ParentsRef): Json {
  const places = block ? `"block":[${block}]` : `"deps":[${deps}]`;
  return `,"workflow_id":"${workflow}",${mark}"at":${at},${places}}`;
}

/** Null for a job whose envelope has its results itself: a first step, a callback, and jobs of former versions. */
export function parentsRef({ node, envelope }: Pick<JobRecord, 'node' | 'envelope'>): ParentsRef | null {
  if (node === null || !envelope.includes(mark)) return null;
  const text = members(envelope).get(member);
  if (!text?.startsWith('{')) return null;
  const { at, ...parents }: Parents & { readonly at: Millis } = JSON.parse(text);
  return { workflow: node.workflow, at, parents };
}

/** The nodes that have the results; null where the place counts but the result is not passed on. */
export function placesOf({ parents }: ParentsRef): readonly (number | null)[] {
  return parentsOf({ parents, callback: null });
}

/**
 * The job with the results of the steps before it. All these are closed for good: a step that has run forbids that one
 * before it is opened again. The job has none if its workflow is no longer kept.
 * @param nodes reads nodes of a workflow, each in its place.
 * @param room characters of results that the job may get.
 */
export function* withParentResults(
  job: JobRecord,
  nodes: (workflow: string, indexes: readonly number[]) => Answered<readonly (NodeRecord | null)[]>,
  room: number = maxResults,
): Steps<JobRecord> {
  const ref = parentsRef(job);
  if (ref === null) return job;
  const places = placesOf(ref);
  const known = new Map<number, NodeRecord | null>();
  for (let needs = places.filter((index) => index !== null); ; ) {
    const found = yield* ask(nodes(ref.workflow, needs));
    for (const [at, index] of needs.entries()) known.set(index, found[at] ?? null);
    // A group whose results were too large for its own node has them in those of its items.
    const missing = new Set<number>();
    const read = (index: number) => {
      const node = known.get(index);
      if (node === undefined) missing.add(index);
      return node ?? null;
    };
    const results = resultsOf(places, read, room);
    needs = [...missing];
    if (needs.length > 0) continue;
    const isKept = [...known.values()].every((node) => node !== null);
    return { ...job, envelope: replaced(job.envelope, isKept ? resultMembers(results) : []) };
  }
}

/** The envelope as clients may see it if the results were not read. */
export function withoutParents(job: Pick<JobRecord, 'node' | 'envelope'>): Json {
  return parentsRef(job) === null ? job.envelope : replaced(job.envelope, []);
}

/** The envelope with other members in place of the names of the steps. */
function replaced(envelope: Json, others: Iterable<readonly [name: string, text: Json]>): Json {
  const fields = new Map(members(envelope));
  fields.delete(member);
  for (const [name, text] of others) fields.set(name, text);
  return objectText(fields);
}
