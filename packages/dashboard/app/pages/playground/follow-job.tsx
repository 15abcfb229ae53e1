import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { callText } from '../../api/client.ts';
import { isMissing } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasJob, hasType, type Summary } from '../../live/summary.ts';
import { Button, JobLink, Loaded } from '../../ui/index.ts';
import { type Entry, EventList, textAt } from './event-list.tsx';
import { Subject } from './subject.tsx';
import type { Target } from './targets.ts';
import { followed, useDocument, useEvents } from './watch.ts';

const ended: ReadonlySet<string> = new Set(['completed', 'cancelled', 'discarded']);
const lastEvents: ReadonlySet<string> = new Set(['job.completed', 'job.cancelled', 'job.discarded', 'job.expired']);
/** These kinds are shown above the list, or happen too often. */
const unlisted: ReadonlySet<string> = new Set(['job.progress', 'job.heartbeat']);

/** A job and what happens to it, until it ends. */
export function FollowJob({ target }: { readonly target: Target }) {
  const { id } = target;
  const live = (summary: Summary): boolean => hasJob(summary, id);
  const job = useDocument('job', id, { live, isOver: ({ state }) => ended.has(state) });
  const mayRead = useMay('event.list');
  const mayCancel = useMay('job.cancel');
  const log = useEvents({
    target,
    jobType: job.data?.fields.type,
    enabled: mayRead && job.data !== undefined,
    live,
    isAbout: ({ type, data }) => data.job_id === id && !unlisted.has(type),
    isOver: (events) => lastEvents.has(events.at(-1)?.type ?? ''),
  });
  const isLetter = useIsDeadLetter(id, job.data?.fields.state === 'discarded');
  const cancel = useAction('job.cancel', { changes: followed, done: 'The job is cancelled.' });
  const retry = useAction('deadLetter.retry', { changes: followed, done: 'The job runs again.' });
  const call = { params: { id } };
  return (
    <Loaded query={job}>
      {({ fields: { type, state, x_progress: progress }, node }) => (
        <Subject
          name={type}
          id={id}
          state={state}
          node={node}
          link={<JobLink id={id} text="Page of the job" />}
          actions={
            <>
              {!ended.has(state) && mayCancel && (
                <Button kind="danger" onClick={() => cancel.mutate(call)}>
                  Cancel job
                </Button>
              )}
              {isLetter && (
                <Button kind="primary" onClick={() => retry.mutate(call)}>
                  Retry from dead letter
                </Button>
              )}
            </>
          }
        >
          {state !== 'active' && !ended.has(state) && <Waiting key={state} id={id} />}
          {progress && progress.percentage !== null && (
            <p className="row">
              <progress aria-label="Progress" max={100} value={Number(String(progress.percentage)) || 0} />
              <span>
                {String(progress.percentage)} % {progress.message}
              </span>
            </p>
          )}
          <EventList log={log} entryOf={entryOf} />
        </Subject>
      )}
    </Loaded>
  );
}

/** Reports whether a discarded job can be retried from the dead letter, by this caller. */
function useIsDeadLetter(id: string, isDiscarded: boolean): boolean {
  const may = useMay('deadLetter.get');
  const mayRetry = useMay('deadLetter.retry');
  const { data = false } = useQuery({
    queryKey: ['deadLetter.get', { id }, 'is'],
    queryFn: async ({ signal }) => {
      try {
        await callText('deadLetter.get', { params: { id }, signal });
        return true;
      } catch (error) {
        // Discarded for good.
        if (isMissing(error)) return false;
        throw error;
      }
    },
    enabled: isDiscarded && may && mayRetry,
    staleTime: 0,
  });
  return isDiscarded && mayRetry && data;
}

function entryOf({ id, type: kind, time: at, data }: LoggedEvent): Entry {
  return { id, kind, at, state: textAt(data, 'state') || textAt(data, 'to'), detail: detailOf(kind, data) };
}

function detailOf(kind: string, data: LoggedEvent['data']): string {
  const { error = data.last_error } = data;
  const said = [textAt(error, 'type'), textAt(error, 'message')].filter((text) => text !== '').join(': ');
  const attempts = textAt(data, 'total_attempts');
  const details: Readonly<Record<string, string>> = {
    'job.scheduled': `until ${localTime(textAt(data, 'scheduled_at'))}`,
    'job.started': `attempt ${textAt(data, 'attempt')}`,
    'job.completed': `after ${textAt(data, 'duration_ms')} ms`,
    'job.failed': `attempt ${textAt(data, 'attempt')}: ${said}`,
    'job.retrying': `next attempt at ${localTime(textAt(data, 'next_retry_at'))}`,
    'job.discarded': `after ${attempts} ${attempts === '1' ? 'attempt' : 'attempts'}`,
  };
  return details[kind] ?? said;
}

function localTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleTimeString();
}

/** A job that waits for longer is explained, in milliseconds. */
const patienceMs = 1_000;

/** Why a job does not run yet, and what helps. */
function Waiting({ id }: { readonly id: string }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  const { data } = useCall('job.explain', {
    params: { id },
    enabled: isLate,
    live: (summary) => hasJob(summary, id) || hasType(summary, 'worker.', 'queue.'),
    refreshMs: 5_000,
  });
  if (data === undefined) return null;
  return (
    <div className="waiting" role="status" aria-label="Why it waits">
      <p>
        <strong>{data.verdict}</strong>
      </p>
      <ul>
        {data.reasons.map(({ code, message, remedy }) => (
          <li key={code + message}>
            {message} {remedy !== undefined && <span className="soft">{remedy}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}
