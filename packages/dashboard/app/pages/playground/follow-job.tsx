import type { LoggedEvent } from '@ojs-ts/core/schemas';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { callText } from '../../api/client.ts';
import { ApiFailure } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasJob, type Summary } from '../../live/summary.ts';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/states.tsx';
import { type Entry, EventList, textAt } from './event-list.tsx';
import { Subject } from './subject.tsx';
import type { Target } from './targets.ts';
import { useChange } from './use-change.ts';
import { useDocument } from './use-document.ts';
import { useEvents } from './use-events.ts';
import { Waiting } from './waiting.tsx';

interface JobFields {
  readonly type: string;
  readonly state: string;
  readonly x_progress?: { readonly percentage: unknown; readonly message: string | null };
}

const ended: ReadonlySet<string> = new Set(['completed', 'cancelled', 'discarded']);
const lastEvents: ReadonlySet<string> = new Set(['job.completed', 'job.cancelled', 'job.discarded', 'job.expired']);
/** These kinds are shown above the list, or happen too often. */
const unlisted: ReadonlySet<string> = new Set(['job.progress', 'job.heartbeat']);

/** A job and what happens to it, until it ends. */
export function FollowJob({ target }: { readonly target: Target }) {
  const { id } = target;
  const live = (summary: Summary): boolean => hasJob(summary, id);
  const job = useDocument<JobFields>({
    operation: 'job.get',
    params: { id },
    member: 'job',
    live,
    isOver: ({ state }) => ended.has(state),
  });
  const mayRead = useMay('event.list');
  const mayCancel = useMay('job.cancel');
  const log = useEvents({
    target,
    types: 'job.*',
    jobType: job.data?.fields.type,
    enabled: mayRead && job.data !== undefined,
    live,
    isAbout: ({ type, data }) => data.job_id === id && !unlisted.has(type),
    isOver: (events) => lastEvents.has(events.at(-1)?.type ?? ''),
  });
  const isLetter = useIsDeadLetter(id, job.data?.fields.state === 'discarded');
  const run = useChange();
  return (
    <Loaded query={job}>
      {({ fields: { type, state, x_progress: progress }, node }) => (
        <Subject
          name={type}
          id={id}
          state={state}
          node={node}
          link={
            <Link to="/jobs/$id" params={{ id }}>
              Page of the job
            </Link>
          }
          actions={
            <>
              {!ended.has(state) && mayCancel && (
                <Button
                  kind="danger"
                  onClick={() => void run('job.cancel', { params: { id } }, 'The job is cancelled.')}
                >
                  Cancel job
                </Button>
              )}
              {isLetter && (
                <Button
                  kind="primary"
                  onClick={() => void run('deadLetter.retry', { params: { id } }, 'The job runs again.')}
                >
                  Retry from dead letter
                </Button>
              )}
            </>
          }
        >
          {state !== 'active' && !ended.has(state) && <Waiting key={state} id={id} />}
          {progress !== undefined && progress.percentage !== null && (
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
        if (error instanceof ApiFailure && error.status === 404) return false;
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
