import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { CopyAs } from '../../ui/copy.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { ChangeDialog } from './change-dialog.tsx';
import { historyQuery, isEnded, isWaiting, type JobDocument } from './job.ts';
import { useJobCall } from './job-call.ts';

type Asked = 'edit' | 'rerun' | 'cancel' | 'discard' | 'purge';

/** The actions that the caller may take on a job in this state. */
export function Actions({ document }: { readonly document: JobDocument }) {
  const { job } = document;
  const { id, state } = job;
  const [asked, setAsked] = useState<Asked | null>(null);
  const navigate = useNavigate();
  const { run, start } = useJobCall(id);
  const mayEdit = useMay('job.edit');
  const mayRetry = useMay('job.retry');
  const mayRerun = useMay('job.rerun');
  const mayCancel = useMay('job.cancel');
  const mayDiscard = useMay('job.discard');
  const mayActivate = useMay('job.activate');
  const mayPurge = useMay('job.purgeHistory');
  const history = useCall('job.history', { params: { id }, query: historyQuery, enabled: asked === 'purge' });
  const ends = isEnded(state);
  const more: MenuItem[] = [
    ...(mayDiscard && !ends ? [{ label: 'Discard…', kind: 'danger' as const, run: () => setAsked('discard') }] : []),
    ...(mayPurge && ends ? [{ label: 'Delete history…', kind: 'danger' as const, run: () => setAsked('purge') }] : []),
  ];
  const close = (): void => setAsked(null);
  const params = { id };
  return (
    <>
      {mayActivate && state === 'pending' && (
        <Button
          kind="primary"
          onClick={() =>
            start({ operation: 'job.activate', params, done: 'The job is activated.', shows: 'available' })
          }
        >
          Activate
        </Button>
      )}
      {mayEdit && state === 'scheduled' && (
        <Button
          kind="primary"
          onClick={() =>
            start({
              operation: 'job.edit',
              params,
              body: '{"scheduled_at":"now"}',
              done: 'The job may start now.',
              shows: 'available',
            })
          }
        >
          Start now
        </Button>
      )}
      {mayRetry && (state === 'retryable' || state === 'discarded') && (
        <Button
          kind="primary"
          onClick={() =>
            start({ operation: 'job.retry', params, done: 'The job is available again.', shows: 'available' })
          }
        >
          {state === 'retryable' ? 'Retry now' : 'Retry'}
        </Button>
      )}
      {mayRerun && ends && <Button onClick={() => setAsked('rerun')}>Run again…</Button>}
      {mayEdit && isWaiting(state) && <Button onClick={() => setAsked('edit')}>Edit…</Button>}
      {mayCancel && !ends && (
        <Button kind="danger" onClick={() => setAsked('cancel')}>
          Cancel job…
        </Button>
      )}
      <CopyAs
        operation="admin.job"
        options={{ params }}
        command={`jobs show ${id}`}
        code={
          `import { Admin } from '@ojs-ts/sdk';\n\nconst admin = new Admin();\nconst job = await ` +
          `admin.getJob('${id}');`
        }
      />
      {more.length > 0 && <Menu label="More" items={more} />}
      {(asked === 'edit' || asked === 'rerun') && (
        <ChangeDialog
          kind={asked}
          document={document}
          onClose={close}
          onDone={(next) => {
            close();
            if (next !== id) void navigate({ to: '/jobs/$id', params: { id: next } });
          }}
        />
      )}
      {asked === 'cancel' && (
        <Confirm
          title="Cancel this job?"
          confirm="Cancel the job"
          destroys
          onConfirm={() => run({ operation: 'job.cancel', params, done: 'The job is cancelled.' })}
          onClose={close}
        >
          {state === 'active'
            ? 'The job is running. Its worker learns of this with its next heartbeat.'
            : 'The job never starts. You can run it again as a new job.'}
        </Confirm>
      )}
      {asked === 'discard' && (
        <Confirm
          title="Discard this job?"
          confirm="Discard the job"
          destroys
          onConfirm={() => run({ operation: 'job.discard', params, done: 'The job is discarded.' })}
          onClose={close}
        >
          The job ends without another attempt. A retry makes it available again.
        </Confirm>
      )}
      {asked === 'purge' && (
        <Confirm
          title="Delete the history of this job?"
          confirm="Delete the history"
          destroys
          onConfirm={() => run({ operation: 'job.purgeHistory', params, done: 'The history is deleted.' })}
          onClose={close}
        >
          {history.data?.events.length ?? 'All'} events of this job and all its errors are deleted for good. The job
          itself stays.
        </Confirm>
      )}
    </>
  );
}
