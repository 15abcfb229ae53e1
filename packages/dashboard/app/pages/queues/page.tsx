import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { QueueOverview } from '../../api/answers/queues.ts';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Pager, usePage } from '../../ui/pager.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { NewQueue } from './new-queue.tsx';
import { PauseButton } from './pause-button.tsx';

const perPage = 100;

export function Page() {
  const { search } = useSearchTexts();
  const page = usePage();
  const queues = useCall('admin.queues', {
    query: { limit: perPage, page },
    live: (summary) => hasType(summary, 'job.', 'queue.'),
    keepLast: true,
  });
  const [isCreating, setCreating] = useState(false);
  const mayCreate = useMay('queue.create');
  const asked = (search.name ?? '').toLowerCase();
  return (
    <Frame title="Queues" actions={mayCreate && <Button onClick={() => setCreating(true)}>New queue</Button>}>
      <div className="row">
        <FindField name="name" label="Find a queue" />
      </div>
      <Loaded query={queues}>
        {({ items, pagination }) => {
          const found = items.filter(({ name }) => name.toLowerCase().includes(asked));
          if (items.length === 0) {
            return (
              <Empty title="No queue yet">
                <p>The first job of a queue creates it. You can also create one now, to set its limits first.</p>
              </Empty>
            );
          }
          if (found.length === 0) return <Empty title={`No queue on this page has ${search.name} in its name`} />;
          return (
            <>
              <DataTable label="Queues" rows={found} columns={columns} idOf={({ name }) => name} />
              <Pager pagination={pagination} />
            </>
          );
        }}
      </Loaded>
      {isCreating && <NewQueue onClose={() => setCreating(false)} />}
    </Frame>
  );
}

const columns: readonly Column<QueueOverview>[] = [
  {
    id: 'name',
    label: 'Queue',
    align: 'clip',
    cell: ({ name, paused }) => (
      <>
        <Link to="/queues/$name" params={{ name }}>
          {name}
        </Link>{' '}
        {paused && <Badge tone="warn">paused</Badge>}
      </>
    ),
  },
  { id: 'available', label: 'Waiting', align: 'number', cell: ({ counts }) => formatCount(counts.available) },
  { id: 'active', label: 'Running', align: 'number', cell: ({ counts }) => formatCount(counts.active) },
  {
    id: 'later',
    label: 'For later',
    align: 'number',
    cell: ({ counts }) => formatCount(counts.scheduled + counts.retryable),
  },
  { id: 'dead', label: 'Dead letter', align: 'number', cell: ({ counts }) => formatCount(counts.dead_letter) },
  { id: 'oldest', label: 'Oldest job', cell: ({ oldest_available_at }) => <Time at={oldest_available_at} /> },
  {
    id: 'rate',
    label: 'Done / min',
    align: 'number',
    cell: ({ throughput }) => formatShort(throughput.processed_per_minute),
  },
  {
    id: 'failed',
    label: 'Failed / min',
    align: 'number',
    cell: ({ throughput }) => formatShort(throughput.failed_per_minute),
  },
  { id: 'wait', label: 'Wait p95', align: 'number', cell: ({ latency_ms }) => lengthOf(latency_ms.p95) },
  { id: 'run', label: 'Run p95', align: 'number', cell: ({ duration_ms }) => lengthOf(duration_ms.p95) },
  { id: 'actions', label: 'Actions', cell: (queue) => <PauseButton queue={queue} /> },
];

function lengthOf(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}
