import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { mayCall, useSession } from '../../api/session.ts';
import { Button, Confirm, CopyAs } from '../../ui/index.ts';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { ChangeDialog } from './change-dialog.tsx';
import { historyQuery, isEnded, isWaiting, type JobDocument, type JobState } from './job.ts';
import { type JobCall, useJobCall } from './job-call.ts';
import { endsOf } from './waits.ts';

/** The actions that make a job available, by its state. */
const starts: Partial<Record<JobState, Pick<JobCall, 'operation' | 'done' | 'body'> & { readonly label: string }>> = {
  pending: { label: 'Activate', operation: 'job.activate', done: 'The job is activated.' },
  scheduled: {
    label: 'Start now',
    operation: 'job.edit',
    body: '{"scheduled_at":"now"}',
    done: 'The job may start now.',
  },
  retryable: { label: 'Retry now', operation: 'job.retry', done: 'The job is available again.' },
  discarded: { label: 'Retry', operation: 'job.retry', done: 'The job is available again.' },
};

const wake = { operation: 'job.wake', done: 'The job may start now.' } as const;

/** The actions that ask first. */
const asking = {
  cancel: {
    operation: 'job.cancel',
    title: 'Cancel this job?',
    confirm: 'Cancel the job',
    done: 'The job is cancelled.',
    effect: 'The job will not start. You can run it again as a new job.',
  },
  discard: {
    operation: 'job.discard',
    title: 'Discard this job?',
    confirm: 'Discard the job',
    done: 'The job is discarded.',
    effect: 'The job ends without another attempt. A retry makes it available again.',
  },
  purge: {
    operation: 'job.purgeHistory',
    title: 'Delete the history of this job?',
    confirm: 'Delete the history',
    done: 'The history is deleted.',
    effect: ' events of this job and all its errors are deleted for good. The job itself is kept.',
  },
} as const;

type Asked = 'edit' | 'rerun' | keyof typeof asking;

/** The actions that the caller may take on a job in this state. */
export function Actions({ document }: { readonly document: JobDocument }) {
  const { id, state } = document.job;
  const [asked, setAsked] = useState<Asked | null>(null);
  const navigate = useNavigate();
  const { run, start } = useJobCall(id);
  const session = useSession();
  const mayEdit = mayCall(session, 'job.edit');
  const history = useCall('job.history', { params: { id }, query: historyQuery, enabled: asked === 'purge' });
  const ends = isEnded(state);
  // A retry would run the handler up to the same wait.
  const first = document.job.x_wait === undefined ? starts[state] : { label: endsOf(document.job), ...wake };
  const more: MenuItem[] = [
    ...(mayCall(session, 'job.discard') && !ends
      ? [{ label: 'Discard…', kind: 'danger' as const, run: () => setAsked('discard') }]
      : []),
    ...(mayCall(session, 'job.purgeHistory') && ends
      ? [{ label: 'Delete history…', kind: 'danger' as const, run: () => setAsked('purge') }]
      : []),
  ];
  const close = (): void => setAsked(null);
  const params = { id };
  const effects: Partial<Record<Asked, string | false>> = {
    cancel:
      state === 'active' &&
      'The next heartbeat asks the worker to stop the job. A handler that ignores the signal runs to its end.',
    purge: (history.data?.events.length ?? 'All') + asking.purge.effect,
  };
  return (
    <>
      {first !== undefined && mayCall(session, first.operation) && (
        <Button kind="primary" onClick={() => start({ ...first, params, shows: 'available' })}>
          {first.label}
        </Button>
      )}
      {mayCall(session, 'job.rerun') && ends && <Button onClick={() => setAsked('rerun')}>Run again…</Button>}
      {mayEdit && isWaiting(state) && <Button onClick={() => setAsked('edit')}>Edit…</Button>}
      {mayCall(session, 'job.cancel') && !ends && (
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
      {asked === 'edit' || asked === 'rerun' ? (
        <ChangeDialog
          kind={asked}
          document={document}
          onClose={close}
          onDone={(next) => {
            if (next !== id) void navigate({ to: '/jobs/$id', params: { id: next } });
          }}
        />
      ) : (
        asked !== null && (
          <Confirm
            title={asking[asked].title}
            confirm={asking[asked].confirm}
            destroys
            onConfirm={() => run({ operation: asking[asked].operation, params, done: asking[asked].done })}
            onClose={close}
          >
            {effects[asked] || asking[asked].effect}
          </Confirm>
        )
      )}
    </>
  );
}
