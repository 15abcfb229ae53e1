import { kindsOfSteps, stepsMember } from '@ojs-ts/core/durable';

const kinds = kindsOfSteps('')
  .map((kind) => `'${kind}'`)
  .join(', ');

/** Deletes the rows of steps of deleted jobs: `gone` is a CTE with their ids and policies. */
export function deleteRows(gone: string): string {
  return `DELETE FROM ojs.records WHERE kind = ANY (ARRAY (SELECT prefix || id::text
    FROM ${gone}, unnest(ARRAY[${kinds}]) AS kinds (prefix) WHERE strpos(policy, '${stepsMember}') > 0))`;
}
