import type { JobId, Json } from '../job/job.ts';
import { type Block, type JobSpec, readNodeSpec } from './spec.ts';
import type { NodeRecord } from './types.ts';

/**
 * Characters of the results that one job is given. A result that no longer fits is null there, and named in
 * `x_parent_results_left_out` with the job that has it.
 */
export const maxResults = 16_777_216;
/**
 * Steps before it whose results a step of a chain is given: the nearest ones. `x_parent_results_from` says where they
 * begin. The results of all steps for all steps would be 50 million in a chain of 10,000.
 */
export const maxParents = 1_000;

export function indexesOf([base, count]: Block): readonly number[] {
  const indexes: number[] = [];
  for (let index = base; index < base + count; index++) indexes.push(index);
  return indexes;
}

/** Nodes whose results a job is given; null where the position counts but the result is not passed on. */
export function parentsOf({ parents, callback }: Pick<JobSpec, 'parents' | 'callback'>): readonly (number | null)[] {
  if (parents.deps) return parents.deps;
  const all = parents.block ? indexesOf(parents.block) : [];
  if (callback !== null || all.length <= maxParents) return all;
  return all.map((index, at) => (at < all.length - maxParents ? null : index));
}

/** Results as an array, as far as they fit. */
export interface Results {
  readonly text: Json;
  /** The first place whose result is passed on. */
  readonly from: number;
  /** The jobs of results that do not fit, by their place, a JSON pointer. */
  readonly leftOut: ReadonlyMap<string, JobId>;
}

export const noResults: Results = { text: '[]', from: 0, leftOut: new Map() };

/**
 * The results of the nodes, filled in from the end until there is no more room. A group or batch whose results were too
 * large for its own node has none there, so its array is made of its items.
 * @param read answers null for a node that has still to be read: then the results are not whole.
 * @param most characters.
 */
export function resultsOf(
  indexes: readonly (number | null)[],
  read: (index: number) => NodeRecord | null,
  most: number = maxResults,
): Results {
  const leftOut = new Map<string, JobId>();
  let room = most;

  function textOf(node: NodeRecord | null, place: string): Json {
    if (node === null) return 'null';
    const { result, job } = node;
    if (result !== null && result.length <= room) {
      room -= result.length;
      return result;
    }
    if (job === null) return node.state === 'completed' ? joined(node, place) : 'null';
    if (result !== null || node.resultLeftOut) leftOut.set(place, job);
    return 'null';
  }

  function joined({ spec: text }: NodeRecord, place: string): Json {
    const spec = readNodeSpec(text);
    if (spec.role === 'chain') return textOf(read(spec.block[0] + spec.block[1] - 1), place);
    return spec.role === 'group' || spec.role === 'batch' ? arrayOf(indexesOf(spec.block), place) : 'null';
  }

  function arrayOf(items: readonly (number | null)[], place: string): Json {
    const texts: Json[] = [];
    for (let at = items.length - 1; at >= 0; at--) {
      const index = items[at] ?? null;
      texts[at] = index === null ? 'null' : textOf(read(index), `${place}/${at}`);
    }
    return `[${texts.join(',')}]`;
  }

  const from = Math.max(
    0,
    indexes.findIndex((index) => index !== null),
  );
  return { text: arrayOf(indexes, ''), from, leftOut };
}

/**
 * The last members of the envelope of a job that has its results in it: its workflow, and the results of the steps
 * before it (ojs-workflows §7).
 */
export function workflowMembers(workflow: string, results: Results): Json {
  const texts = resultMembers(results).map(([name, text]) => `,"${name}":${text}`);
  return `,"workflow_id":"${workflow}"${texts.join('')}`;
}

/** The members with the results. */
export function resultMembers({ text, from, leftOut }: Results): readonly (readonly [name: string, text: Json])[] {
  return [
    ['parent_results', text],
    ...(from === 0 ? [] : [['x_parent_results_from', String(from)] as const]),
    ...(leftOut.size === 0
      ? []
      : [['x_parent_results_left_out', JSON.stringify(Object.fromEntries(leftOut))] as const]),
  ];
}
