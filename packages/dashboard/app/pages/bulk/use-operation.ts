import { useCall } from '../../api/calls.ts';
import { hasType, type Summary } from '../../live/summary.ts';

/** Every step of an operation changes jobs, so the events of jobs tell how it goes on. */
export const changesOperations = (summary: Summary): boolean => hasType(summary, 'job.', 'bulk.');

/** What no event reports: a step without a change, the end. */
const refreshMs = 5_000;

/** One operation, followed while it runs. */
export function useOperation(id: string, isRunning = true) {
  return useCall('bulk.get', {
    params: { id },
    live: changesOperations,
    ...(isRunning && { refreshMs }),
  });
}
