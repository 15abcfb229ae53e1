import { isPassing } from '../../connection/api-error.ts';
import { OJSAPIError } from '../../errors.ts';

const statusesOfNoRoute: readonly number[] = [404, 405, 501];
const codesOfNoRoute: readonly string[] = [
  'not_found',
  'route_not_found',
  'unsupported',
  'method_not_allowed',
  'not_implemented',
];

/** Reports whether the server itself says that it has no such operation. A 404 that names a job is about the job. */
export function saysNoRoute(error: unknown): boolean {
  if (!(error instanceof OJSAPIError) || error.error.foreign || error.error.details.job_id !== undefined) return false;
  return statusesOfNoRoute.includes(error.statusCode) && codesOfNoRoute.includes(error.code);
}

/** A missing route, or a proxy's page while the server is away. */
export function isUnclear(error: unknown): boolean {
  return error instanceof OJSAPIError && error.error.foreign === true && statusesOfNoRoute.includes(error.statusCode);
}

/** The OJS server itself refused for good. A proxy's page says nothing about the request. */
export function isRefusal(error: unknown): error is OJSAPIError {
  if (!(error instanceof OJSAPIError) || error.error.foreign) return false;
  return error.statusCode < 500 && error.statusCode !== 408 && !isPassing(error) && !isAboutIdentity(error);
}

/**
 * Every server takes results of so many bytes (ojs-workflows §7.5), so a smaller request is not refused for its size.
 */
const alwaysTaken = 65_536;

/** The request was refused for its size, be it by a proxy: the same request would be refused again. */
export function isTooLarge(error: unknown, characters: number): boolean {
  return error instanceof OJSAPIError && error.statusCode === 413 && characters > alwaysTaken;
}

/**
 * A wrong token, or a proxy that refuses access. The first request reports it to the caller. Later the worker tries
 * again, because the token may be renewed. A 403 of the OJS server itself is a refusal: the token lacks a scope.
 */
export function isAboutIdentity(error: unknown): boolean {
  if (!(error instanceof OJSAPIError)) return false;
  return error.statusCode === 401 || (error.statusCode === 403 && error.error.foreign === true);
}
