import { nearestName } from '@ojs-ts/core';
import { fitsRoute, isPlaceholder } from '@ojs-ts/core/operations';

/** Such as GET `/ojs/v1/jobs/:id`. */
export interface ServedRoute {
  readonly method: string;
  readonly path: string;
}

const reference = 'https://github.com/ojs-ts/ojs-ts/blob/main/docs/reference/http.md lists the routes.';

/** Advice for a request without a route: the nearest route, and where the list of routes is. */
export function routeHint(method: string, path: string, routes: readonly ServedRoute[]): string {
  if (path === '/') {
    const page = routes.some((route) => route.path === '/dashboard') ? ', /dashboard/ shows it' : '';
    return `The API is under /ojs/v1, /ojs/manifest describes this server${page}. ${reference}`;
  }
  const elsewhere = routes
    .filter((route) => fitsRoute(route.path.split('/'), path.split('/')))
    .map((route) => route.method);
  if (elsewhere.length > 0) return `This path takes ${[...new Set(elsewhere)].join(', ')}. ${reference}`;
  const same = routes.filter((route) => route.method === method);
  const nearest = nearestRoute(path, same) ?? nearestRoute(path, routes);
  return nearest === undefined ? reference : `Did you mean ${nearest.method} ${nearest.path}? ${reference}`;
}

/** Identifiers are ignored: only routes with the same number of segments are compared, by their words. */
function nearestRoute(path: string, routes: readonly ServedRoute[]): ServedRoute | undefined {
  const given = words(path);
  const shapes = Map.groupBy(
    routes.filter((route) => words(route.path).length === given.length),
    (route) => words(route.path).map(isPlaceholder).join(),
  );
  // The fewer placeholders, the more words are similar.
  const fewest = [...shapes.values()].sort(([one], [other]) => placeholders(one) - placeholders(other));
  for (const alike of fewest) {
    const shape = words(alike[0]?.path ?? '').map(isPlaceholder);
    const named = new Map(alike.map((route) => [wordsOf(route.path, shape), route]));
    const nearest = nearestName(wordsOf(path, shape), named.keys());
    if (nearest !== undefined) return named.get(nearest);
  }
  return undefined;
}

/** The segments without the prefix, which a caller may have omitted. */
function words(path: string): readonly string[] {
  return path
    .replace(/^\/(?:ojs(?:\/|$))?(?:v1(?:\/|$))?/, '')
    .replace(/\/$/, '')
    .split('/');
}

function wordsOf(path: string, shape: readonly boolean[]): string {
  return words(path)
    .filter((_, index) => !shape[index])
    .join('/');
}

function placeholders(route: ServedRoute | undefined): number {
  return words(route?.path ?? '').filter(isPlaceholder).length;
}
