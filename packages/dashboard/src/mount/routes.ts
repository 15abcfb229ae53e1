import { ProtocolError, type StreamChannel } from '@ojs-ts/core';
import {
  fitsRoute,
  isPlaceholder,
  type OperationName,
  operationNames,
  operations,
  routesOf,
} from '@ojs-ts/core/operations';

/** The target of a path of the API, with the values of its placeholders decoded. */
export type Target =
  | { readonly kind: 'operation'; readonly name: OperationName; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'stream'; readonly channel: StreamChannel };

type Params = Readonly<Record<string, string>>;

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
  target(params: Params, query: URLSearchParams): Target;
}

const streams: Readonly<Record<string, (params: Params, query: URLSearchParams) => StreamChannel>> = {
  '/ojs/v1/events/stream': (_, query) => channelOf(query.get('channel') ?? 'all'),
  '/ojs/v1/jobs/:id/events': ({ id = '' }) => `job:${id}`,
  '/ojs/v1/queues/:name/events': ({ name = '' }) => `queue:${name}`,
  '/ojs/v1/admin/events/summaries': () => 'summaries',
};

/** Workers talk to the engine itself: a dashboard has none of their operations. Routes of probes lie elsewhere. */
const routes: readonly Route[] = [
  ...Object.entries(streams).map(([path, channel]) =>
    routeAt('GET', path, (params, query) => ({ kind: 'stream', channel: channel(params, query) })),
  ),
  ...operationNames
    .filter((name) => operations[name].right !== 'work')
    .flatMap((name) =>
      routesOf(name)
        .filter(({ path }) => path.startsWith('/ojs/'))
        .map(({ method, path }) => routeAt(method, path, (params) => ({ kind: 'operation', name, params }))),
    ),
].sort(byExactness);

function routeAt(method: string, path: string, target: Route['target']): Route {
  return { method, segments: path.split('/'), target };
}

/** A word comes before a placeholder at the same place. */
function byExactness(a: Route, b: Route): number {
  const key = ({ segments }: Route) => segments.map((segment) => (isPlaceholder(segment) ? '1' : '0')).join('');
  return key(a) < key(b) ? -1 : 1;
}

/** @throws ProtocolError `not_found` if there is no such route, `invalid_request` for a path that cannot be decoded. */
export function targetOf(method: string, path: string, query: URLSearchParams): Target {
  const segments = path.split('/');
  const alike = routes.filter((route) => fitsRoute(route.segments, segments));
  const route = alike.find((one) => one.method === method);
  if (route !== undefined) return route.target(paramsOf(route, segments), query);
  const methods = [...new Set(alike.map((one) => one.method))];
  throw new ProtocolError(
    'not_found',
    `There is no route ${method} ${path.slice(0, 200)}.`,
    { method, path: path.slice(0, 200) },
    methods.length === 0
      ? 'A mounted dashboard has the routes under /ojs/v1 of a server, except those for workers.'
      : `This path takes ${methods.join(', ')}.`,
  );
}

function paramsOf({ segments }: Route, given: readonly string[]): Params {
  return Object.fromEntries(
    segments.flatMap((segment, index) =>
      isPlaceholder(segment) ? [[segment.slice(1), decoded(given[index] ?? '')]] : [],
    ),
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ProtocolError('invalid_request', 'The path of the request is not a valid URL path.');
  }
}

function channelOf(text: string): StreamChannel {
  if (text === 'all') return text;
  const [, room, name = ''] = /^(job|queue):(.*)$/s.exec(text) ?? [];
  if (room === 'job') return `job:${name}`;
  if (room === 'queue') return `queue:${name}`;
  throw ProtocolError.invalid([{ path: 'channel', message: 'must be job:ID, queue:NAME or all' }]);
}
