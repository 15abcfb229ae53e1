import type { Reason } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatAbsolute, formatRelative } from '../../format/times.ts';
import { hasJob, hasQueue, hasType } from '../../live/summary.ts';
import { Card, JobLink, Loaded, QueueLink, Time, useNow, useZone, WorkerLink } from '../../ui/index.ts';
import { isEnded, isWaiting, type Job } from './job.ts';
import { Remedies } from './remedies.tsx';

/** Why the job does not run, or what has become of it, with what helps. */
export function Why({ job }: { readonly job: Job }) {
  const { id, queue, state } = job;
  const waits = isWaiting(state);
  const query = useCall('job.explain', {
    params: { id },
    live: (summary) =>
      hasJob(summary, id) || (waits && (hasQueue(summary, queue) || hasType(summary, 'worker.', 'queue.', 'limit.'))),
    keepLast: true,
    // Limits, maintenance and silent workers have no events.
    ...(!isEnded(state) && { refreshMs: 5_000 }),
  });
  return (
    <Card title={titleOf(job)}>
      <Loaded query={query} lines={2}>
        {({ verdict, reasons, next_start_at: next }) => (
          <div className="why">
            <p className="verdict">{verdict}</p>
            {next !== null && (
              <p>
                Earliest start: <Time at={next} />
              </p>
            )}
            <ul className="reasons">
              {reasons.map((reason) => (
                <OneReason key={reason.code + reason.message} job={job} reason={reason} />
              ))}
            </ul>
          </div>
        )}
      </Loaded>
    </Card>
  );
}

function titleOf({ state }: Job): string {
  if (isWaiting(state)) return 'Why is it not running?';
  return state === 'active' ? 'Is it running?' : 'How did it end?';
}

function OneReason({ job, reason }: { readonly job: Job; readonly reason: Reason }) {
  const { message, remedy, partial, before } = reason;
  return (
    <li>
      <p>
        <Sentence text={message} />
      </p>
      <Lists reason={reason} />
      {before !== undefined && before > 0 && <p className="soft">{formatCount(before)} jobs start first.</p>}
      {partial && <p className="soft">The lists show only some of them.</p>}
      <div className="row">
        {remedy !== undefined && (
          <span className="soft">
            <Sentence text={remedy} />
          </span>
        )}
        <Remedies job={job} reason={reason} />
      </div>
    </li>
  );
}

function Lists({ reason: { jobs = [], workers = [], queues = [], steps = [] } }: { readonly reason: Reason }) {
  if (jobs.length + workers.length + queues.length + steps.length === 0) return null;
  return (
    <ul className="named">
      {jobs.map(({ id, worker_id: worker, since }) => (
        <li key={id}>
          <JobLink id={id} text={`Job ${id}`} />
          {worker !== null && ` on ${worker}`}
          {since !== null && (
            <>
              , since <Time at={since} />
            </>
          )}
        </li>
      ))}
      {workers.map(({ id, status, held, slots, last_seen_at: seen }) => (
        <li key={id}>
          <WorkerLink id={id} text={`Worker ${id}`} />
          {`: ${status}`}
          {held !== null && slots !== null && `, ${held} of ${slots} slots taken`}
          {seen !== null && (
            <>
              , seen <Time at={seen} />
            </>
          )}
        </li>
      ))}
      {queues.map(({ name, available }) => (
        <li key={name}>
          <QueueLink id={name} text={`Queue ${name}`} />
          {`: ${formatCount(available)} available`}
        </li>
      ))}
      {steps.map(({ id, state, job_id: job }) => (
        <li key={id}>
          {job === null ? `Step ${id}` : <JobLink id={job} text={`Step ${id}`} />}
          {`: ${state}`}
        </li>
      ))}
    </ul>
  );
}

const special = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`]+`)/;

/** A sentence of the server: its times in the reader's zone, its commands as code. */
function Sentence({ text }: { readonly text: string }) {
  return text.split(special).map((part, index) => {
    // A split by a group has the matches in the odd places.
    if (index % 2 === 0) return part;
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence have no other identity
    return part.startsWith('`') ? <code key={index}>{part.slice(1, -1)}</code> : <Moment key={index} at={part} />;
  });
}

/** Absolute first, because the sentence says "at" or "since" before it. */
function Moment({ at }: { readonly at: string }) {
  const zone = useZone();
  const now = useNow();
  const ms = Date.parse(at);
  return (
    <time dateTime={at}>
      {formatAbsolute(ms, zone)} ({formatRelative(ms, now)})
    </time>
  );
}
