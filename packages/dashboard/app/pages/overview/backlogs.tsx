import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { hasType } from '../../live/summary.ts';
import { Badge } from '../../ui/badge.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

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
              columns={[
                {
                  id: 'queue',
                  label: 'Queue',
                  align: 'fill',
                  cell: ({ name, paused }) => (
                    <>
                      <Link to="/queues/$name" params={{ name }}>
                        {name}
                      </Link>{' '}
                      {paused && <Badge tone="warn">paused</Badge>}
                    </>
                  ),
                },
                {
                  id: 'waiting',
                  label: 'Waiting',
                  align: 'number',
                  cell: ({ counts }) => formatCount(counts.available),
                },
                { id: 'oldest', label: 'Oldest job', cell: (queue) => <Time at={queue.oldest_available_at} /> },
              ]}
            />
          );
        }}
      </Loaded>
    </Card>
  );
}
