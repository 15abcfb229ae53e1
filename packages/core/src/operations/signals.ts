import type { Rows } from './row.ts';

export const signalOperations = {
  'signal.send': { route: 'POST /ojs/v1/signals', right: 'enqueue', queues: 'sent', payload: 'none' },
  'job.wake': { route: 'POST /ojs/v1/admin/jobs/:id/wake', right: 'operate', queues: 'job' },
} as const satisfies Rows;
