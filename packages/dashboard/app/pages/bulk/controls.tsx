import type { BulkOperation } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useAction } from '../../api/calls.ts';
import { useMay, useSession } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button, ConfirmButton } from '../../ui/index.ts';
import { wordsOf } from './actions.ts';

export interface ControlsProps {
  readonly operation: BulkOperation;
  readonly size?: 'default' | 'small';
}

/** Stop, resume and undo, where the operation and the rights of the caller allow them. */
export function Controls({ operation, size = 'default' }: ControlsProps) {
  const { id, action, state, changed, undo } = operation;
  const navigate = useNavigate();
  const changes = ['bulk.get', 'bulk.list'] as const;
  const stop = useAction('bulk.stop', { done: 'The operation stops after the current step.', changes });
  const resume = useAction('bulk.resume', { done: 'The operation continues.', changes });
  const takeBack = useAction('bulk.undo', {
    changes,
    onDone: (started) => void navigate({ to: '/bulk/$id', params: { id: started.id } }),
  });
  const { rights } = useSession();
  if (!useMay('bulk.stop')) return null;
  const mayResume = (action !== 'delete' && action !== 'purge') || rights.includes('purge');
  const asked = { params: { id } };
  return (
    <>
      {state === 'running' && (
        <Button size={size} busy={stop.isPending} onClick={() => stop.mutate(asked)}>
          Stop
        </Button>
      )}
      {state === 'stopped' && undo.by === undefined && mayResume && (
        <Button size={size} busy={resume.isPending} onClick={() => resume.mutate(asked)}>
          Resume
        </Button>
      )}
      <ConfirmButton
        shown={undo.possible && changed > 0}
        text="Undo"
        size={size}
        title="Undo this operation?"
        confirm="Start the undo"
        onConfirm={() => takeBack.mutateAsync(asked)}
      >
        <p>
          {formatCount(changed)} {changed === 1 ? 'job was' : 'jobs were'} {wordsOf(action).done}.{' '}
          {action === 'retry' || action === 'redrive' || action === 'rerun'
            ? 'The undo cancels the jobs that still wait.'
            : 'The undo enqueues each job again as a new one.'}
        </p>
      </ConfirmButton>
    </>
  );
}
