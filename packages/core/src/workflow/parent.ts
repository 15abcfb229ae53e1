import type { Json } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import { Fields } from '../requests/fields.ts';
import { readMembers } from '../schemas/read.ts';
import { parentMember } from '../schemas/steps.ts';
import type { Source } from './step.ts';
import type { WorkflowParent } from './types.ts';

/** As its worker sends it. */
export interface SentParent extends WorkflowParent {
  readonly lease: string;
}

/** Null for a workflow that no step waits for. @throws ProtocolError `invalid_request` */
export function readParent({ values, path }: Pick<Source, 'values' | 'path'>): SentParent | null {
  if ((values.parent ?? null) === null) return null;
  const fields = new Fields(values, path);
  const parent = fields.object('parent');
  const read = parent === null ? null : readMembers<Read>(parent, parentMember(), 0);
  fields.done();
  if (read === null) return null;
  const {
    job_id: job,
    x_lease: lease,
    step,
    on_failure: onFailure = 'wait',
    on_parent_end: onParentEnd = 'cancel',
  } = read;
  return { job, lease, step, onFailure, onParentEnd };
}

interface Read {
  readonly job_id: string;
  readonly x_lease: string;
  readonly step: string;
  readonly on_failure?: WorkflowParent['onFailure'];
  readonly on_parent_end?: WorkflowParent['onParentEnd'];
}

export function withoutLease({ lease: _, ...parent }: SentParent): WorkflowParent {
  return parent;
}

/** A request without its parent: another execution sends the same one with another lease. */
export function withoutParent(text: Json): Json {
  const kept = new Map(members(text));
  kept.delete('parent');
  return objectText(kept);
}
