import type { WorkflowNode } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { isFailed, nameOf } from './names.ts';

/** Names in one sentence. */
const named = 3;

/** Continues a workflow that failed, or starts a new one with the same steps. */
export function Again({
  id,
  state,
  nodes,
}: {
  readonly id: string;
  readonly state: string;
  readonly nodes: readonly WorkflowNode[];
}) {
  const navigate = useNavigate();
  const mayRetry = useMay('workflow.retry');
  const mayRerun = useMay('workflow.rerun');
  const [asked, setAsked] = useState<'retry' | 'rerun' | null>(null);
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
      {mayRetry && failed.length > 0 && state !== 'cancelled' && (
        <Button size="small" kind="primary" onClick={() => setAsked('retry')}>
          Retry workflow…
        </Button>
      )}
      {mayRerun && hasEnded && (
        <Button size="small" onClick={() => setAsked('rerun')}>
          Run again…
        </Button>
      )}
      {asked === 'retry' && (
        <Confirm
          title="Retry this workflow?"
          confirm="Retry workflow"
          onConfirm={() => retry.mutateAsync({ params: { id } })}
          onClose={() => setAsked(null)}
        >
          {failed.length === 1 ? 'The failed step runs again' : `${formatCount(failed.length)} failed steps run again`}:{' '}
          {failed
            .slice(0, named)
            .map((node) => nameOf(node).title)
            .join(', ')}
          {failed.length > named && ' and others'}. Steps that were skipped wait for them. Completed steps do not run
          again. Callbacks run at the new end, also those that have run before.
        </Confirm>
      )}
      {asked === 'rerun' && (
        <Confirm
          title="Run this workflow again?"
          confirm="Run again"
          onConfirm={() => rerun.mutateAsync({ params: { id } })}
          onClose={() => setAsked(null)}
        >
          A new workflow starts with the same steps and arguments, so every step runs, also those that have completed
          here. This workflow stays as it is.
        </Confirm>
      )}
    </>
  );
}
