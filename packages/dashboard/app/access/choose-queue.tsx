import { Link } from '@tanstack/react-router';
import { useCall } from '../api/calls.ts';
import type { SearchTexts } from '../search.ts';
import { Empty, Loaded } from '../ui/states.tsx';

export interface ChooseQueueProps {
  readonly to: '/jobs' | '/events';
  /** The address of the page for one queue. */
  readonly searchFor: (queue: string) => SearchTexts;
}

/** For a caller of some queues, where a page is about one of them. */
export function ChooseQueue({ to, searchFor }: ChooseQueueProps) {
  const queues = useCall('admin.queues', { query: { limit: 100 } });
  return (
    <Empty title="Choose a queue">
      <p>Your token covers some queues only, so this page shows one of them at a time.</p>
      <Loaded query={queues} lines={1}>
        {({ items }) => (
          <p className="row">
            {items.map(({ name }) => (
              <Link key={name} to={to} search={searchFor(name)}>
                {name}
              </Link>
            ))}
            {items.length === 0 && 'None of these queues has a job yet.'}
          </p>
        )}
      </Loaded>
    </Empty>
  );
}
