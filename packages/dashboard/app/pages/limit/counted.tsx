import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { hasType } from '../../live/summary.ts';
import { DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

export interface CountedProps {
  readonly title: string;
  readonly limit: string;
  readonly state: 'active' | 'available';
  readonly none: string;
}

/** The jobs that count under a limit, in one state. */
export function Counted({ title, limit, state, none }: CountedProps) {
  const q = `limit:${JSON.stringify(limit)} state:${state}`;
  const jobs = useCall('admin.jobs', { query: { q, limit: 20 }, live: (summary) => hasType(summary, 'job.') });
  return (
    <Card
      title={title}
      aside={
        <Link to="/jobs" search={{ q }}>
          All of them
        </Link>
      }
    >
      <Loaded query={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">{none}</p>
          ) : (
            <DataTable
              label={`Jobs: ${title}`}
              rows={items}
              idOf={({ id }) => id}
              columns={[
                {
                  id: 'job',
                  label: 'Job',
                  align: 'clip',
                  cell: ({ id, type }) => (
                    <Link to="/jobs/$id" params={{ id }}>
                      {type}
                    </Link>
                  ),
                },
                { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
                {
                  id: 'since',
                  label: 'Since',
                  cell: ({ started_at, created_at }) => <Time at={state === 'active' ? started_at : created_at} />,
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}
