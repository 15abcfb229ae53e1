import type { ErrorGroup, QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Badge, Card, Facts, JobsLink, Loaded, QueueLink, Time } from '../../ui/index.ts';

const shown = 6;

/** The queues whose jobs wait longest. */
export function Backlogs() {
  const queues = useCall('admin.queues', {
    query: { limit: 100 },
    live: (summary) => hasType(summary, 'job.', 'queue.'),
  });
  return (
    <Card title="Longest waits" aside={<Link to="/queues">All queues</Link>}>
      <Loaded query={queues}>
        {({ items }) => {
          const waiting = items
            .filter(({ oldest_available_at }) => oldest_available_at !== null)
            .sort((first, second) => (first.oldest_available_at ?? '').localeCompare(second.oldest_available_at ?? ''))
            .slice(0, shown);
          if (waiting.length === 0) return <p className="soft">No queue has a waiting job.</p>;
          return (
            <DataTable
              label="Queues whose jobs wait longest"
              rows={waiting}
              idOf={({ name }) => name}
              columns={backlogColumns}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}

const backlogColumns: readonly Column<QueueOverview>[] = [
  {
    id: 'queue',
    label: 'Queue',
    align: 'fill',
    cell: ({ name, paused }) => (
      <>
        <QueueLink id={name} /> {paused && <Badge tone="warn">paused</Badge>}
      </>
    ),
  },
  { id: 'waiting', label: 'Waiting', align: 'number', cell: ({ counts }) => formatCount(counts.available) },
  { id: 'oldest', label: 'Oldest job', cell: (queue) => <Time at={queue.oldest_available_at} /> },
];

/** The most frequent errors of jobs that have not recovered. */
export function TopErrors() {
  const errors = useCall('admin.errors', {
    query: { limit: shown },
    live: (summary) => hasType(summary, 'job.failed', 'job.discarded', 'job.retr'),
  });
  return (
    <Card title="Top errors" aside={<Link to="/dead-letter">Dead letter</Link>}>
      <Loaded query={errors}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">No job has an error.</p>
          ) : (
            <DataTable
              label="Most frequent errors"
              rows={items}
              idOf={({ fingerprint }) => fingerprint}
              columns={errorColumns}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

const errorColumns: readonly Column<ErrorGroup>[] = [
  {
    id: 'error',
    label: 'Error',
    align: 'fill',
    cell: ({ fingerprint, error_type, message }) => (
      <JobsLink q={`fingerprint:${fingerprint}`} title={message} text={`${error_type}: ${message}`} />
    ),
  },
  { id: 'jobs', label: 'Jobs', align: 'number', cell: ({ count }) => formatCount(count) },
  { id: 'last', label: 'Last', cell: ({ last_at }) => <Time at={last_at} /> },
];

const names: Readonly<Record<string, string>> = { writes: 'Writes', clock: 'Clock', file: 'File' };

/** Shows whether the storage answers and takes writes. */
export function StorageHealth() {
  const health = useCall('system.health', { refreshMs: 10_000 });
  return (
    <Card title="Storage">
      <Loaded query={health}>
        {({ backend, checks, uptime_seconds }) => {
          // Only SQLite has a file of its own that can be checked.
          const { file, ...others } = checks;
          const shown = Object.entries(backend.type === 'sqlite' ? checks : others).map(
            ([name, { status, message }]) => [
              names[name] ?? name,
              <span key={name}>
                <Badge tone={status === 'pass' ? 'good' : 'bad'}>{status === 'pass' ? 'ok' : status}</Badge>{' '}
                {message !== undefined && <span className="soft">{message}</span>}
              </span>,
            ],
          );
          return (
            <Facts
              of={{
                [backend.type]: (
                  <>
                    <Badge tone={backend.status === 'connected' ? 'good' : 'bad'}>{backend.status}</Badge>
                    {backend.status === 'connected' && (
                      <> answers in {formatDuration(Math.max(1, backend.latency_ms))}</>
                    )}
                  </>
                ),
                ...Object.fromEntries(shown),
                'Server uptime': formatDuration(uptime_seconds * 1_000),
              }}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}
