import type { WorkflowNode } from '@ojs-ts/core/schemas';

/** The two texts of a step: what its author calls it first. A number such as `1.2` is only its place. */
export interface StepName {
  readonly title: string;
  readonly detail: string;
}

export function nameOf({ id, kind, type }: Pick<WorkflowNode, 'id' | 'kind' | 'type'>): StepName {
  // A gate has no name of its own.
  if (type === undefined) return { title: kind === 'gate' ? 'all ended' : '', detail: id };
  return /^[\d.]*$/.test(id) ? { title: type, detail: id === '' ? '' : `step ${id}` } : { title: id, detail: type };
}

export function isFailed({ state }: Pick<WorkflowNode, 'state'>): boolean {
  return state === 'failed';
}
