import type { Reason } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { IfMay } from '../../access/if-may.tsx';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { hasJob, hasQueue, hasType } from '../../live/summary.ts';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { isEnded, isWaiting, type Job } from './job.ts';
import { Remedies } from './remedies.tsx';
import { Sentence } from './sentence.tsx';

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
          <Link to="/jobs/$id" params={{ id }}>
            Job {id}
          </Link>
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
          <IfMay call="worker.get" otherwise={`Worker ${id}`}>
            <Link to="/workers/$id" params={{ id }}>
              Worker {id}
            </Link>
          </IfMay>
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
          <Link to="/queues/$name" params={{ name }}>
            Queue {name}
          </Link>
          {`: ${formatCount(available)} available`}
        </li>
      ))}
      {steps.map(({ id, state, job_id: job }) => (
        <li key={id}>
          {job === null ? (
            `Step ${id}`
          ) : (
            <Link to="/jobs/$id" params={{ id: job }}>
              Step {id}
            </Link>
          )}
          {`: ${state}`}
        </li>
      ))}
    </ul>
  );
}
