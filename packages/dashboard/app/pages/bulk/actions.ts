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
    effect: 'Discarded and retryable jobs wait for a worker again.',
  },
  promote: {
    verb: 'Start now',
    done: 'made available',
    effect: 'Scheduled and retryable jobs wait for a worker at once. The times that they waited for are lost.',
  },
  rerun: {
    verb: 'Run again',
    done: 'run again',
    effect: 'Each ended job runs again as a new job, which names the old one in its meta. An undo cancels what waits.',
  },
  reschedule: {
    verb: 'Reschedule',
    done: 'rescheduled',
    effect: 'Scheduled, retryable and pending jobs get this start, all the same. The times from before are lost.',
  },
  priority: {
    verb: 'Prioritize',
    done: 'given another priority',
    effect: 'Waiting jobs get this priority. Those from before are lost.',
  },
  edit: {
    verb: 'Edit',
    done: 'edited',
    effect: 'Waiting jobs get these values. What you leave empty stays. The values from before are lost.',
  },
  cancel: {
    verb: 'Cancel',
    done: 'cancelled',
    effect: 'Waiting jobs are cancelled. An undo makes new jobs of them.',
  },
  discard: {
    verb: 'Discard',
    done: 'discarded',
    effect: 'Waiting jobs are discarded, and count as failed. An undo makes new jobs of them.',
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    effect: 'Ended jobs are deleted with their results and errors. Nothing brings them back.',
  },
  redrive: {
    verb: 'Retry',
    done: 'retried',
    effect: 'Jobs of the dead letter wait for a worker again. A workflow continues with its failed steps among them.',
  },
  purge: { verb: 'Delete', done: 'deleted', effect: 'Jobs of the dead letter are deleted. Nothing brings them back.' },
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
  changed_since: 'The job was changed since the start.',
  gone: 'The job was deleted since the start.',
  changing: 'The job was changed by somebody else all the time.',
  pruned: 'The job was deleted since.',
  in_workflow: 'The job is a step of a workflow, which has continued without it.',
  duplicate: 'Another job holds the unique key.',
  was_pending: 'The job waited for its activation.',
  running: 'The job that was started again runs.',
  has_ended: 'The job that was started again has run.',
  workflow_cancelled: 'The job is a step of a workflow that was cancelled.',
  workflow_pruned: 'The job is a step of a workflow that is no longer kept.',
  workflow_went_on: 'The job is a step of a workflow that has gone on without it.',
  workflow_blocked: 'A later step of its workflow could still not run.',
  workflow_changed: 'The step of its workflow has another job or outcome by now.',
  would_run_anyway: 'The job was retryable before the retry.',
  queue_full: 'The queue takes no new jobs: it is full.',
  queue_paused: 'The queue takes no new jobs: it is paused.',
  not_changed: 'The operation had left the job as it was.',
  no_change: 'The job was so already.',
  available: 'The job is available, and cannot wait for a time again.',
  unique_key: 'The change would give the job another unique key.',
  invalid_request: 'The changes do not fit the job.',
  schema_validation: 'The arguments would not match the schema of the job.',
  other_queues: 'The unique key or a limit of the job is not that of your queues.',
  no_new_job: 'There was no new job, or it was deleted since.',
};

/** Why jobs were left as they are (docs/operate/bulk.md). */
export function reasonOf(name: string): string {
  return reasons[name] ?? name;
}
