import { isState, State, type StateMask, Terminal, Waiting } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { ListedJob } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { callText } from '../../api/client.ts';
import { messageOf } from '../../api/failure.ts';
import { mayCall, useSession } from '../../api/session.ts';
import { Confirm, copyText } from '../../ui/index.ts';
import { Menu } from '../../ui/menu.tsx';
import { showToast } from '../../ui/toasts.ts';

interface RowAction {
  readonly label: string;
  readonly operation: OperationName;
  /** The states whose jobs it changes. */
  readonly states: StateMask;
  readonly body?: unknown;
  /** The state that the row shows at once; absent if the row stays. */
  readonly becomes?: ListedJob['state'];
  readonly done: string;
  /** Asks first, with this text. */
  readonly confirm?: string;
}

const actions: readonly RowAction[] = [
  {
    label: 'Retry',
    operation: 'job.retry',
    states: State.discarded | State.retryable,
    becomes: 'available',
    done: 'The job is available again.',
  },
  {
    label: 'Start now',
    operation: 'job.edit',
    states: State.scheduled,
    body: { scheduled_at: 'now' },
    becomes: 'available',
    done: 'The job is available.',
  },
  {
    label: 'Run again',
    operation: 'job.rerun',
    states: Terminal,
    body: {},
    done: 'A new job runs with the same work.',
  },
  {
    label: 'Cancel',
    operation: 'job.cancel',
    states: Waiting | State.active,
    becomes: 'cancelled',
    done: 'The job is cancelled.',
    confirm: 'A waiting job never runs. A running one is stopped by its worker.',
  },
  {
    label: 'Discard',
    operation: 'job.discard',
    states: Waiting | State.active,
    becomes: 'discarded',
    done: 'The job is discarded.',
    confirm: 'A discarded job counts as failed. It runs again only if somebody retries it.',
  },
];

export interface RowActionsProps {
  readonly job: ListedJob;
  /** Shows a change at once; the result takes it back. */
  readonly patch: (id: string, change: Partial<ListedJob>) => () => void;
  readonly onDone: () => void;
}

/** The actions for one job of the list. */
export function RowActions({ job, patch, onDone }: RowActionsProps) {
  const session = useSession();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<RowAction | null>(null);
  const state = isState(job.state) ? State[job.state] : 0;
  const possible = actions.filter(({ states, operation }) => (states & state) !== 0 && mayCall(session, operation));
  const run = async ({ operation, body, becomes, done }: RowAction): Promise<void> => {
    const undo = becomes === undefined ? null : patch(job.id, { state: becomes });
    try {
      await callText(operation, { params: { id: job.id }, ...(body !== undefined && { body }) });
      showToast({ kind: 'done', text: done });
    } catch (error) {
      undo?.();
      showToast({ kind: 'failed', text: messageOf(error) });
    }
    onDone();
  };
  return (
    <>
      <Menu
        label="⋯"
        name={`Actions of ${job.id}`}
        size="small"
        items={[
          ...possible.map((action) => ({
            label: action.label,
            run: () => (action.confirm === undefined ? void run(action) : setAsked(action)),
            ...(action.confirm !== undefined && { kind: 'danger' as const }),
          })),
          { label: 'Open', run: () => void navigate({ to: '/jobs/$id', params: { id: job.id } }) },
          { label: 'Copy id', run: () => void copyText(job.id, 'the id') },
        ]}
      />
      {asked !== null && (
        <Confirm
          title={`${asked.label} this job?`}
          confirm={`${asked.label} the job`}
          destroys
          onConfirm={() => run(asked)}
          onClose={() => setAsked(null)}
        >
          <p className="mono small">{job.id}</p>
          <p>{asked.confirm}</p>
        </Confirm>
      )}
    </>
  );
}
