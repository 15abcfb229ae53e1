import { useCall } from '../../api/calls.ts';
import { hasType, type Summary } from '../../live/summary.ts';

/** Every step of an operation changes jobs, so the events of jobs show its progress. */
const live = (summary: Summary): boolean => hasType(summary, 'job.', 'bulk.');

/** Covers changes that no event reports while an operation runs: a step without a change, the end. */
const refreshMs = 5_000;

export function useOperation(id: string) {
  const asked = { params: { id }, live };
  const query = useCall('bulk.get', asked);
  useCall('bulk.get', { ...asked, refreshMs, enabled: query.data?.state === 'running' });
  return query;
}

/** All that the server keeps: a hundred, or those that changed the last million jobs. */
export function useOperations() {
  const asked = { query: { limit: 1_000 }, live };
  const query = useCall('bulk.list', asked);
  const isRunning = query.data?.items.some(({ state }) => state === 'running') === true;
  useCall('bulk.list', { ...asked, refreshMs, enabled: isRunning });
  return query;
}
