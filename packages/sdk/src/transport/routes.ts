import { type Call, operations, pathOf, type Route } from '@ojs-ts/core';

/** Method and path of a call, its placeholders filled in, and its query. */
export function routeOf({ operation, params, query }: Call): Route {
  return { method: operations[operation].method, path: withQuery(pathOf(operation, params), query) };
}

export function withQuery(path: string, query: Call['query'] = {}): string {
  const texts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) texts.set(name, String(value));
  return texts.size === 0 ? path : `${path}?${texts}`;
}
