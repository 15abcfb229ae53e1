import type { Answers, ErrorGroup } from '@ojs-ts/core/schemas';
import type { UseQueryResult } from '@tanstack/react-query';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import './error-groups.css';
import { Button } from '../../ui/button.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

/** Returns the errors of the dead jobs of the chosen queue, the most frequent first. */
export function useErrorGroups(): UseQueryResult<Answers['admin.errors'], Error> {
  const { queue } = useSearchTexts().search;
  return useCall('admin.errors', {
    query: { dead_letter: true, queue, limit: 50 },
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
    keepLast: true,
  });
}

/** The dead jobs by what went wrong, the most first. One group can be chosen. */
export function ErrorGroups() {
  const { search, change } = useSearchTexts();
  const { fingerprint } = search;
  const errors = useErrorGroups();
  const columns: readonly Column<ErrorGroup>[] = [
    {
      id: 'error',
      label: 'Error',
      align: 'fill',
      cell: ({ error_type, message }) => (
        <span title={message}>
          {error_type}: {message}
        </span>
      ),
    },
    { id: 'jobs', label: 'Jobs', align: 'number', cell: ({ count }) => formatCount(count) },
    { id: 'first', label: 'First', cell: ({ first_at }) => <Time at={first_at} /> },
    { id: 'last', label: 'Last', cell: ({ last_at }) => <Time at={last_at} /> },
    {
      id: 'only',
      label: 'Actions',
      cell: (group) => {
        const isChosen = group.fingerprint === fingerprint;
        return (
          <Button
            size="small"
            aria-pressed={isChosen}
            onClick={() => change({ fingerprint: isChosen ? undefined : group.fingerprint })}
          >
            {isChosen ? 'Show all' : 'Only these'}
          </Button>
        );
      },
    },
  ];
  return (
    <Card title="By error">
      <Loaded query={errors}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">No error here.</p>
          ) : (
            <div className="error-groups">
              <DataTable label="Errors" rows={items} columns={columns} idOf={(group) => group.fingerprint} />
            </div>
          )
        }
      </Loaded>
    </Card>
  );
}
