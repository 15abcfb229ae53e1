import type { WorkflowNode } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { ConfirmButton } from '../../ui/index.ts';
import { isFailed, nameOf } from './boxes.ts';

/** Names in one sentence. */
const named = 3;

interface AgainProps {
  readonly id: string;
  readonly state: string;
  readonly nodes: readonly WorkflowNode[];
}

/** Continues a workflow that failed, or starts a new one with the same steps. */
export function Again({ id, state, nodes }: AgainProps) {
  const navigate = useNavigate();
  const mayRetry = useMay('workflow.retry');
  const mayRerun = useMay('workflow.rerun');
  const changes = ['workflow.graph', 'workflow.list'] as const;
  const retry = useAction('workflow.retry', { changes, done: 'The workflow continues.' });
  const rerun = useAction('workflow.rerun', {
    changes,
    done: 'Started a new workflow.',
    onDone: (started) => void navigate({ to: '/workflows/$id', params: { id: started.id } }),
  });
  const failed = nodes.filter((node) => isFailed(node) && node.job_id);
  const hasEnded = state === 'completed' || state === 'failed' || state === 'cancelled';
  return (
    <>
      <ConfirmButton
        shown={mayRetry && failed.length > 0 && state !== 'cancelled'}
        text="Retry workflow…"
        size="small"
        kind="primary"
        title="Retry this workflow?"
        confirm="Retry workflow"
        onConfirm={() => retry.mutateAsync({ params: { id } })}
      >
        {failed.length === 1 ? 'The failed step runs again' : `${formatCount(failed.length)} failed steps run again`}:{' '}
        {failed
          .slice(0, named)
          .map((node) => nameOf(node).title)
          .join(', ')}
        {failed.length > named && ' and others'}. Steps that were skipped wait for them. Completed steps do not run
        again. Callbacks run at the new end, also those that have run before.
      </ConfirmButton>
      <ConfirmButton
        shown={mayRerun && hasEnded}
        text="Run again…"
        size="small"
        title="Run this workflow again?"
        confirm="Run again"
        onConfirm={() => rerun.mutateAsync({ params: { id } })}
      >
        A new workflow starts with the same steps and arguments, so every step runs, also those that have completed
        here. This workflow stays as it is.
      </ConfirmButton>
    </>
  );
}
