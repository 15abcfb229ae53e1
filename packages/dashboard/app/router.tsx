import { QueryCache, QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { ApiFailure } from './api/failure.ts';
import { basePath } from './api/roots.ts';
import { sessionQuery } from './api/session.ts';
import type { SearchTexts } from './search.ts';
import { Shell } from './shell/shell.tsx';
import { Empty, Failure, Loading } from './ui/states.tsx';

export const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // The banner about an outage does not wait for its turn.
    onError: (error, { queryKey: [name] }) => {
      if (name !== 'system.health' && error instanceof ApiFailure && error.isOutage)
        void client.invalidateQueries({ queryKey: ['system.health'] });
    },
  }),
  defaultOptions: {
    queries: {
      // The event stream says what has changed; a page that is opened again still asks.
      staleTime: 5_000,
      retry: (count, error) => count < 2 && error instanceof ApiFailure && error.isTemporary,
    },
  },
});

const root = createRootRouteWithContext<{ readonly client: QueryClient }>()({
  loader: ({ context }) => context.client.ensureQueryData(sessionQuery),
  component: Shell,
  errorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  notFoundComponent: () => <Empty title="There is no such page" />,
});

function texts(search: Readonly<Record<string, unknown>>): SearchTexts {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
    ),
  );
}

const route = <Path extends string>(path: Path, load: () => Promise<{ readonly Page: () => React.ReactNode }>) =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: texts,
    component: lazyRouteComponent(load, 'Page'),
    pendingComponent: Loading,
    errorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  });

const tree = root.addChildren([
  route('/', () => import('./pages/overview/page.tsx')),
  route('/jobs', () => import('./pages/jobs/page.tsx')),
  route('/jobs/$id', () => import('./pages/job/page.tsx')),
  route('/queues', () => import('./pages/queues/page.tsx')),
  route('/queues/$name', () => import('./pages/queue/page.tsx')),
  route('/workflows', () => import('./pages/workflows/page.tsx')),
  route('/workflows/$id', () => import('./pages/workflow/page.tsx')),
  route('/crons', () => import('./pages/crons/page.tsx')),
  route('/crons/$name', () => import('./pages/cron/page.tsx')),
  route('/workers', () => import('./pages/workers/page.tsx')),
  route('/workers/$id', () => import('./pages/worker/page.tsx')),
  route('/dead-letter', () => import('./pages/dead-letter/page.tsx')),
  route('/events', () => import('./pages/events/page.tsx')),
  route('/limits', () => import('./pages/limits/page.tsx')),
  route('/limits/$key', () => import('./pages/limit/page.tsx')),
  route('/bulk', () => import('./pages/bulk/page.tsx')),
  route('/bulk/$id', () => import('./pages/bulk-operation/page.tsx')),
  route('/schemas', () => import('./pages/schemas/page.tsx')),
  route('/tokens', () => import('./pages/tokens/page.tsx')),
  route('/audit', () => import('./pages/audit/page.tsx')),
  route('/configuration', () => import('./pages/configuration/page.tsx')),
  route('/doctor', () => import('./pages/doctor/page.tsx')),
  route('/playground', () => import('./pages/playground/page.tsx')),
]);

export const router = createRouter({
  routeTree: tree,
  basepath: basePath,
  context: { client },
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Plain texts: an address is read and written by people.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
