import type { Answers, Worker } from '@ojs-ts/core/schemas';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Badge, Card, Facts, JobLink, QueueLink, Time, useNow } from '../../ui/index.ts';
import { JobPreview } from '../../ui/job-preview.tsx';
import { Heartbeat, Lag, Memory, Slots } from '../workers/cells.tsx';
import { describe } from '../workers/description.ts';

export function Process({ worker }: { readonly worker: Worker }) {
  const { hostname, pid, queues, labels, version, startedAt } = describe(worker);
  const { load, last_heartbeat_at } = worker;
  return (
    <div className="columns">
      <Card title="Process">
        <Facts
          of={{
            Host: hostname || '–',
            'Process id': pid || '–',
            Version: version || '–',
            Started: <Time at={startedAt} />,
            Queues: <span className="row">{queues.length === 0 ? '–' : queues.map(queueLink)}</span>,
            Labels: <span className="row">{labels.length === 0 ? '–' : labels.map(badge)}</span>,
          }}
        />
      </Card>
      <Card title="Load">
        <Facts
          of={{
            Heartbeat: <Heartbeat worker={worker} />,
            'Slots in use': <Slots worker={worker} />,
            'Event-loop lag': <Lag worker={worker} />,
            Memory: <Memory bytes={load?.rss_bytes} />,
            'JavaScript heap': <Memory bytes={load?.heap_used_bytes} />,
          }}
        />
        <p className="soft small">
          {last_heartbeat_at === null
            ? 'This worker sends no heartbeats, so its load is unknown and it is never considered dead.'
            : 'The lag is the worst of the time before the last heartbeat, ' +
              'or how long the event loop is blocked so far.'}
        </p>
      </Card>
    </div>
  );
}

const queueLink = (name: string) => <QueueLink key={name} id={name} />;
const badge = (label: string) => <Badge key={label}>{label}</Badge>;

/** The jobs that a worker runs; the server names at most 1,000. */
type Jobs = Answers['worker.get']['jobs'];

export function CurrentJobs({ jobs, count }: { readonly jobs: Jobs; readonly count: number }) {
  return (
    <Card title="Current jobs" note={`${formatCount(count)} running`}>
      {jobs.length === 0 ? (
        <p className="soft">The worker runs no job now.</p>
      ) : (
        <DataTable label="Jobs that the worker runs" rows={jobs} columns={columns} idOf={({ id }) => id} />
      )}
    </Card>
  );
}

const columns: readonly Column<Jobs[number]>[] = [
  { id: 'job', label: 'Job', align: 'fill', cell: ({ id, type }) => <JobLink id={id} text={type} /> },
  { id: 'id', label: 'Id', cell: (job) => <JobPreview job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'attempt', label: 'Attempt', align: 'number', cell: ({ attempt }) => formatCount(attempt) },
  { id: 'time', label: 'Running for', align: 'number', cell: ({ started_at }) => <RunningTime since={started_at} /> },
];

function RunningTime({ since }: { readonly since: string | null }) {
  const now = useNow();
  return since === null ? '–' : formatDuration(Math.max(0, now - Date.parse(since)));
}
