import type { OperationName } from '@ojs-ts/core/operations';
import type { Reason } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { IfMay, useMay } from '../../api/session.ts';
import { Button, JobsLink, LimitLink, QueueLink, WorkflowLink } from '../../ui/index.ts';
import type { Job } from './job.ts';
import { type JobCall, useJobCall } from './job-call.ts';
import { endsOf } from './waits.ts';

/** The remedies for a reason: calls as buttons, places as links. */
export function Remedies({ job, reason }: { readonly job: Job; readonly reason: Reason }) {
  const call = callFor(job, reason.code);
  return (
    <>
      {call && <Remedy job={job} {...call} />}
      {linksFor(job, reason)}
    </>
  );
}

interface Offer {
  readonly label: string;
  readonly call: JobCall;
}

function Remedy({ job, label, call }: Offer & { readonly job: Job }) {
  const { start } = useJobCall(job.id);
  if (!useMay(call.operation)) return null;
  return (
    <Button size="small" onClick={() => start(call)}>
      {label}
    </Button>
  );
}

function callFor(job: Job, code: string): Offer | null {
  const { id, queue } = job;
  const ofJob = (label: string, operation: OperationName, done: string, body?: string): Offer => ({
    label,
    call: { operation, params: { id }, done, shows: 'available', ...(body !== undefined && { body }) },
  });
  switch (code) {
    case 'activation':
      return ofJob('Activate', 'job.activate', 'The job is activated.');
    case 'scheduled':
      return ofJob('Start now', 'job.edit', 'The job may start now.', '{"scheduled_at":"now"}');
    case 'backoff':
    case 'snoozed':
      return ofJob('Retry now', 'job.retry', 'The job may start now.');
    case 'suspended':
      return ofJob(endsOf(job), 'job.wake', 'The job may start now.');
    case 'attempts_exhausted':
    case 'final_error':
    case 'poison':
    case 'discarded':
      return ofJob('Retry', 'job.retry', 'The job is available again.');
    case 'queue_paused':
      return {
        label: `Resume queue ${queue}`,
        call: { operation: 'queue.resume', params: { name: queue }, done: `Queue ${queue} is resumed.` },
      };
    case 'maintenance':
      return {
        label: 'End maintenance mode',
        call: { operation: 'admin.setMaintenance', body: '{"enabled":false}', done: 'Maintenance mode is over.' },
      };
    default:
      return null;
  }
}

function linksFor({ queue, workflow_id: workflow }: Job, { code, keys = [] }: Reason): ReactNode {
  switch (code) {
    case 'queue_paused':
      return <QueueLink id={queue} text={`Queue ${queue}`} />;
    case 'limit_stopped':
    case 'concurrency_full':
    case 'rate_reached':
      return keys.map((key) => (
        <IfMay key={key} call="limit.get">
          <LimitLink id={key} text={`Limit ${key}`} />
        </IfMay>
      ));
    case 'no_worker':
    case 'workers_busy':
      return (
        <IfMay call="worker.list">
          <Link to="/workers">Workers</Link>
        </IfMay>
      );
    case 'jobs_before':
    case 'other_queues_first':
    case 'ready':
      return <JobsLink q={`queue:${queue} state:available`} text={`Available jobs of ${queue}`} />;
    case 'storage_refuses_writes':
      return (
        <IfMay call="system.doctor">
          <Link to="/doctor">Doctor</Link>
        </IfMay>
      );
    case 'workflow_cancelled':
    case 'workflow_ended':
    case 'step_waits':
    case 'step_skipped':
    case 'step_failed':
      return workflow !== undefined && <WorkflowLink id={workflow} text="Workflow" />;
    default:
      return null;
  }
}
