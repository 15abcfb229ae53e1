import { bulkOperations } from './bulk.ts';
import { jobOperations, signalOperations } from './jobs.ts';
import { queueOperations } from './queues.ts';
import type { Operation, RouteRow } from './row.ts';
import { systemOperations } from './system.ts';
import { workerOperations } from './workers.ts';
import { workflowOperations } from './workflows.ts';

export interface Route {
  readonly method: string;
  readonly path: string;
}

/** The HTTP binding (ojs-http-binding §2) and our additions. */
const table = {
  ...jobOperations,
  ...bulkOperations,
  ...workerOperations,
  ...signalOperations,
  ...queueOperations,
  ...workflowOperations,
  ...systemOperations,
};

export type OperationName = keyof typeof table;
export const operations: Readonly<Record<OperationName, Operation>> = table;
export const operationNames = Object.keys(operations) as readonly OperationName[];

export function routeOf(name: OperationName): Route {
  return routeAt(operations[name].route);
}

/** The route of the operation, and then its other spellings. */
export function routesOf(name: OperationName): readonly Route[] {
  const { route, also = [] } = operations[name];
  return [route, ...also].map(routeAt);
}

function routeAt(row: RouteRow): Route {
  const [method = '', path = ''] = row.split(' ');
  return { method, path };
}

export function isPlaceholder(segment: string): boolean {
  return segment.startsWith(':');
}

/** Reports whether the segments of a path are those of a route; a placeholder takes any that is not empty. */
export function fitsRoute(route: readonly string[], given: readonly string[]): boolean {
  return (
    route.length === given.length &&
    route.every((segment, index) => (isPlaceholder(segment) ? given[index] !== '' : segment === given[index]))
  );
}

/** The path of an operation with its placeholders filled in and encoded. */
export function pathOf(name: OperationName, params: Readonly<Record<string, string>> = {}): string {
  return routeOf(name).path.replace(/:([a-z]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}
