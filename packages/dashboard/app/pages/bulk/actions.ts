import { type BulkAction, bulkStates, isBulkAction } from '@ojs-ts/core/bulk';
import { stateNames } from '@ojs-ts/core/job';
import { editFields, type Fields, rerunFields } from '../job/changes.ts';

interface Words {
  /** On buttons. */
  readonly verb: string;
  /** Behind a count: `312 jobs retried`. */
  readonly done: string;
  readonly effect: string;
}

const words: Readonly<Record<BulkAction | 'undo', Words>> = {
  retry: {
    verb: 'Retry',
    done: 'retried',
    effect: 'Discarded and retryable jobs become available again.',
  },
  promote: {
    verb: 'Start now',
    done: 'made available',
    effect: 'Scheduled and retryable jobs become available now. Their scheduled times are lost.',
  },
  rerun: {
    verb: 'Run again',
    done: 'run again',
    effect:
      'Each finished job runs again as a new job with the old id in its meta. An undo cancels those that still wait.',
  },
  reschedule: {
    verb: 'Reschedule',
    done: 'rescheduled',
    effect: 'Scheduled, retryable and pending jobs get this start, all the same. The times from before are lost.',
  },
  priority: {
    verb: 'Prioritize',
    done: 'given another priority',
    effect: 'Waiting jobs get this priority. Their old priorities are lost.',
  },
  edit: {
    verb: 'Edit',
    done: 'edited',
    effect: 'Waiting jobs get these values; empty fields change nothing. The old values are lost.',
  },
  cancel: {
    verb: 'Cancel',
    done: 'cancelled',
    effect: 'Waiting jobs are cancelled. An undo enqueues them again as new jobs.',
  },
  discard: {
    verb: 'Discard',
    done: 'discarded',
    effect: 'Waiting jobs are discarded, and counted as failed. An undo enqueues them again as new jobs.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    effect: 'Finished jobs are deleted with their results and errors. This cannot be undone.',
  },
  redrive: {
    verb: 'Retry',
    done: 'retried',
    effect: 'Jobs of the dead letter become available again. A workflow continues if its failed steps are among them.',
  },
  purge: { verb: 'Delete', done: 'deleted', effect: 'Jobs of the dead letter are deleted. This cannot be undone.' },
  undo: { verb: 'Undo', done: 'taken back', effect: '' },
};

/** The actions that the list of jobs offers. */
export const listActions = [
  'retry',
  'rerun',
  'promote',
  'reschedule',
  'priority',
  'edit',
  'cancel',
  'discard',
  'delete',
] as const satisfies readonly BulkAction[];

export type ListAction = (typeof listActions)[number];

const fields: Partial<Record<BulkAction, readonly (keyof Fields)[]>> = {
  edit: editFields,
  priority: ['priority'],
  rerun: rerunFields,
  reschedule: ['start'],
};

/** The fields that the action asks for, the same for every job; empty for most. */
export function changeFieldsOf(action: BulkAction): readonly (keyof Fields)[] {
  return fields[action] ?? [];
}

export function wordsOf(action: string): Words {
  if (action === 'undo' || isBulkAction(action)) return words[action];
  return { verb: action, done: 'changed', effect: '' };
}

/** The states of the jobs that an action changes. */
export function changedStates(action: BulkAction): readonly string[] {
  return stateNames(bulkStates[action]);
}

const reasons: Readonly<Record<string, string>> = {
  changed_since: 'The job was changed after the operation started.',
  gone: 'The job was deleted after the operation started.',
  changing: 'Other calls kept changing the job.',
  pruned: 'The job was deleted later.',
  in_workflow: 'The job is a step of a workflow, which has continued without it.',
  duplicate: 'Another job has the unique key.',
  was_pending: 'The job waited for its activation.',
  running: 'The new job is already running.',
  has_ended: 'The new job has already run.',
  workflow_cancelled: 'The job is a step of a workflow that was cancelled.',
  workflow_pruned: 'The job is a step of a workflow that was deleted.',
  workflow_went_on: 'The job is a step of a workflow that has continued without it.',
  workflow_blocked: 'A later step of its workflow could still not run.',
  workflow_changed: 'The workflow step has another job or outcome now.',
  would_run_anyway: 'The job was retryable before the retry.',
  queue_full: 'The queue is full.',
  queue_paused: 'The queue is paused and refuses new jobs.',
  not_changed: 'The operation did not change the job.',
  no_change: 'The job had these values already.',
  available: 'The job is available and can no longer be scheduled.',
  unique_key: 'The change would give the job another unique key.',
  invalid_request: 'The changes do not fit the job.',
  schema_validation: 'The arguments would not match the schema of the job.',
  other_queues: 'The unique key or a limit of the job also covers queues outside your token.',
  no_new_job: 'There was no new job, or it was deleted later.',
};

/** Why jobs were left as they are (docs/operate/bulk.md). */
export function reasonOf(name: string): string {
  return reasons[name] ?? name;
}
