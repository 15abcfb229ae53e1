import type { QueueOverview } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Badge, Empty, Page as Frame, Loaded, Opener, QueueLink, Time } from '../../ui/index.ts';
import { Pager, usePage } from '../../ui/pager.tsx';
import { NewQueue } from './new-queue.tsx';
import { PauseButton } from './pause-button.tsx';

const perPage = 100;

export function Page() {
  const { search, change } = useSearchTexts();
  const page = usePage();
  const queues = useCall('admin.queues', {
    query: { limit: perPage, page },
    live: (summary) => hasType(summary, 'job.', 'queue.'),
    keepLast: true,
  });
  const mayCreate = useMay('queue.create');
  const asked = (search.name ?? '').toLowerCase();
  return (
    <Frame
      title="Queues"
      actions={mayCreate && <Opener text="New queue">{(close) => <NewQueue onClose={close} />}</Opener>}
    >
      <div className="row">
        <FindField name="name" label="Find a queue" />
      </div>
      <Loaded query={queues}>
        {({ items, pagination }) => {
          const found = items.filter(({ name }) => name.toLowerCase().includes(asked));
          if (items.length === 0) {
            return (
              <Empty title="No queue yet">
                <p>A queue is created with its first job. To set its limits first, create it now.</p>
              </Empty>
            );
          }
          if (found.length === 0) return <Empty title={`No queue on this page has ${search.name} in its name`} />;
          return (
            <>
              <DataTable
                label="Queues"
                rows={found}
                columns={columns}
                idOf={({ name }) => name}
                sorting={{ by: search.sort, change: (sort) => change({ sort }, { replace: true }) }}
              />
              {pagination.has_more && search.sort !== undefined && (
                <p className="soft small">Only the queues on this page are sorted.</p>
              )}
              <Pager pagination={pagination} />
            </>
          );
        }}
      </Loaded>
    </Frame>
  );
}

const columns: readonly Column<QueueOverview>[] = [
  {
    id: 'name',
    label: 'Queue',
    align: 'clip',
    sortBy: ({ name }) => name,
    cell: (queue) => (
      <>
        <QueueLink id={queue.name} /> {queue.paused && <Badge tone="warn">paused</Badge>}{' '}
        {isUnread(queue) && <Badge tone="bad">no worker</Badge>}
      </>
    ),
  },
  count('available', 'Waiting', ({ counts }) => counts.available),
  count('active', 'Running', ({ counts }) => counts.active),
  count('later', 'For later', ({ counts }) => counts.scheduled + counts.retryable),
  count('dead', 'Dead letter', ({ counts }) => counts.dead_letter),
  {
    id: 'oldest',
    label: 'Oldest job',
    // The oldest has waited longest, so the largest wait comes first.
    sortBy: ({ oldest_available_at: at }) => (at === null ? null : -Date.parse(at)),
    cell: ({ oldest_available_at }) => <Time at={oldest_available_at} />,
  },
  count('rate', 'Done / min', ({ throughput }) => throughput.processed_per_minute, formatShort),
  count('failed', 'Failed / min', ({ throughput }) => throughput.failed_per_minute, formatShort),
  count('wait', 'Wait p95', ({ latency_ms }) => latency_ms.p95, formatDuration),
  count('run', 'Run p95', ({ duration_ms }) => duration_ms.p95, formatDuration),
  { id: 'actions', label: 'Actions', cell: (queue) => <PauseButton queue={queue} /> },
];

/** Jobs wait, and no worker that runs and lives takes them. */
function isUnread({ counts, workers }: QueueOverview): boolean {
  return workers === 0 && counts.available > 0;
}

function count(
  id: string,
  label: string,
  read: (queue: QueueOverview) => number | null,
  format: (value: number) => string = formatCount,
): Column<QueueOverview> {
  const cell = (queue: QueueOverview): string => {
    const value = read(queue);
    return value === null ? '–' : format(value);
  };
  return { id, label, align: 'number', sortBy: read, cell };
}
