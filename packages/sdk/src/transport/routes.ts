import { type Call, operations, pathOf, type Route } from '@ojs-ts/core';

/** Method and path of a call, its placeholders filled in. */
export function routeOf({ operation, params }: Call): Route {
  return { method: operations[operation].method, path: pathOf(operation, params) };
}
