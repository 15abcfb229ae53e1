import type { Route } from './operations.ts';

/** Apart from the table of all routes, so that a bundled client which only enqueues is spared that. */
export const enqueueRoute = { method: 'POST', path: '/ojs/v1/jobs' } as const satisfies Route;
