import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { hasType } from '../../live/summary.ts';
import { DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

/** The most frequent errors of jobs that have not recovered. */
export function TopErrors() {
  const errors = useCall('admin.errors', {
    query: { limit: 6 },
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
              columns={[
                {
                  id: 'error',
                  label: 'Error',
                  align: 'fill',
                  cell: ({ fingerprint, error_type, message }) => (
                    <Link to="/jobs" search={{ q: `fingerprint:${fingerprint}` }} title={message}>
                      {error_type}: {message}
                    </Link>
                  ),
                },
                { id: 'jobs', label: 'Jobs', align: 'number', cell: ({ count }) => formatCount(count) },
                { id: 'last', label: 'Last', cell: ({ last_at }) => <Time at={last_at} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}
