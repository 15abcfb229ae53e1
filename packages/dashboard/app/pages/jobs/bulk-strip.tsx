import type { BulkOperation } from '@ojs-ts/core/schemas';
import './jobs.css';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { call } from '../../api/client.ts';
import { messageOf } from '../../api/failure.ts';
import { formatCount } from '../../format/numbers.ts';
import { BulkLink, Button, Failure } from '../../ui/index.ts';
import { showToast } from '../../ui/toasts.ts';
import { wordsOf } from '../bulk/actions.ts';
import { Controls } from '../bulk/controls.tsx';
import { OperationState, Progress } from '../bulk/progress.tsx';
import { useOperation } from '../bulk/use-operation.ts';

export interface BulkStripProps {
  readonly id: string;
  /** The operation has ended. */
  readonly onEnd: () => void;
  readonly onDismiss: () => void;
}

/** An operation that was started here: how far it came. Its end is shown with an undo. */
export function BulkStrip({ id, onEnd, onDismiss }: BulkStripProps) {
  const { data: operation, error } = useOperation(id);
  const client = useQueryClient();
  const navigate = useNavigate();
  const told = useRef(false);
  useEffect(() => {
    if (operation === undefined || operation.state === 'running' || told.current) return;
    told.current = true;
    const undo = async (): Promise<void> => {
      try {
        const started = await call('bulk.undo', { params: { id } });
        void client.invalidateQueries({ queryKey: ['bulk.get'] });
        await navigate({ to: '/bulk/$id', params: { id: started.id } });
      } catch (failure) {
        showToast({ kind: 'failed', text: messageOf(failure) });
      }
    };
    if (operation.state === 'done')
      showToast({
        kind: 'done',
        text: endOf(operation),
        ...(operation.undo.possible && operation.changed > 0 && { action: { label: 'Undo', run: () => void undo() } }),
      });
    onEnd();
  }, [operation, id, client, navigate, onEnd]);
  if (error !== null) return <Failure error={error} />;
  if (operation === undefined) return null;
  const { action, state } = operation;
  return (
    <section className="bulk-strip" aria-label={`Operation ${wordsOf(action).verb}`}>
      <strong>{wordsOf(action).verb}</strong>
      <OperationState state={state} />
      <Progress operation={operation} label={`${wordsOf(action).verb}, jobs done`} />
      <div className="row">
        <Controls operation={operation} size="small" />
        <BulkLink id={id} text="Details" />
        {state !== 'running' && (
          <Button size="small" kind="plain" aria-label="Dismiss the operation" onClick={onDismiss}>
            ✕
          </Button>
        )}
      </div>
    </section>
  );
}

function endOf({ action, changed, done }: BulkOperation): string {
  const left = done - changed;
  const others = left > 0 ? ` ${formatCount(left)} stayed as they were.` : '';
  return `${formatCount(changed)} ${changed === 1 ? 'job' : 'jobs'} ${wordsOf(action).done}.${others}`;
}
