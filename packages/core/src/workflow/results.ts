import type { Json } from '../job/job.ts';
import type { Block, JobSpec } from './spec.ts';

/** Characters of the results that one job is given. What no longer fits is null, the last result excepted. */
export const maxResults = 16_777_216;
/** Steps before it whose results a step of a chain is given: the nearest ones. */
export const maxParents = 1_000;

export function indexesOf([base, count]: Block): readonly number[] {
  return Array.from({ length: count }, (_, index) => base + index);
}

/** Nodes whose results a job is given; null where the position counts but the result is not passed on. */
export function parentsOf({ parents, callback }: JobSpec): readonly (number | null)[] {
  if (parents.deps) return parents.deps;
  const all = parents.block ? indexesOf(parents.block) : [];
  if (callback !== null || all.length <= maxParents) return all;
  return all.map((index, at) => (at < all.length - maxParents ? null : index));
}

/** The text of an array of results, filled from its end until it is as large as allowed. */
export function resultArray(results: readonly (Json | null)[]): Json {
  const texts = results.map((result) => result ?? 'null');
  let room = maxResults;
  for (let at = texts.length - 1; at >= 0; at--) {
    const length = texts[at]?.length ?? 0;
    if (length > room && at < texts.length - 1) texts[at] = 'null';
    else room -= length;
  }
  return `[${texts.join(',')}]`;
}

/**
 * What the envelope of a step's job ends with: its workflow, and the results of the steps before it (ojs-workflows §7).
 */
export function envelopeTail(workflow: string, results: Json): Json {
  return `,"workflow_id":"${workflow}","parent_results":${results}`;
}
