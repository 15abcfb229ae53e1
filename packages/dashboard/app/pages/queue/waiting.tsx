import type { QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';

/** Workers that one call lists; with more of them, nothing is said about who reads the queue. */
const atOnce = 100;

/** The reasons why the jobs of a queue wait, with links to the causes. */
export function Waiting({ queue }: { readonly queue: QueueOverview }) {
  const { name, counts } = queue;
  const mayGroup = useMay('admin.jobGroups');
  const isUnread = useIsUnread(name, counts.available > 0);
  if (counts.available === 0) return null;
  return (
    <>
      {isUnread && (
        <p>
          No live worker is known to read this queue. <Link to="/workers">See the workers</Link>
        </p>
      )}
      {mayGroup && (
        <p>
          <Link to="/jobs" search={{ q: `queue:${name} state:available`, by: 'type' }}>
            What waits here, by type, tenant or another field
          </Link>
        </p>
      )}
    </>
  );
}

function useIsUnread(name: string, hasWaiting: boolean): boolean {
  const may = useMay('worker.list');
  const { data } = useCall('worker.list', {
    query: { limit: atOnce },
    enabled: may && hasWaiting,
    refreshMs: 15_000,
  });
  if (data === undefined || data.pagination.has_more) return false;
  return !data.items.some(
    ({ state, queues }) => state !== 'stale' && (!Array.isArray(queues) || queues.includes(name)),
  );
}
