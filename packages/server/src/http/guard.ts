import { isIP } from 'node:net';
import { ProtocolError } from '@ojs-ts/core';
import type { FastifyRequest } from 'fastify';

export interface Guard {
  /** Host names that requests may be addressed to, beside localhost and IP addresses. Lower case, without port. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call this server, such as `https://admin.example.com`. */
  readonly allowedOrigins: readonly string[];
}

/**
 * No web page may reach a developer's queue: a page of another origin is known by Origin or Sec-Fetch-Site, a rebound DNS name by Host.
 * An IP address as Host is safe, because a page can only be rebound through a name. Throws `permission_denied`.
 */
export function checkOrigin(request: FastifyRequest, guard: Guard): void {
  const { host = '', origin } = request.headers;
  const name = hostName(host);
  if (!(name === 'localhost' || isIP(name) !== 0 || guard.allowedHosts.includes(name))) {
    throw denied('The Host of this request is not one of this server; an operator may add it with --allow-host.');
  }
  if (origin !== undefined && !isOwn(origin, host) && !guard.allowedOrigins.includes(origin)) {
    throw denied('Requests from web pages of another origin are refused; an operator may add it with --allow-origin.');
  }
  const site = request.headers['sec-fetch-site'];
  const foreign = (site === 'cross-site' || (site === 'same-site' && request.method !== 'GET')) && !isVisit(request);
  if (foreign && !(origin !== undefined && guard.allowedOrigins.includes(origin)))
    throw denied('Requests from web pages of another site are refused.');
}

/** Somebody follows a link to a page of this server: its files are the same for everybody, and refuse to be framed. */
function isVisit({ headers, routeOptions }: FastifyRequest): boolean {
  return (
    routeOptions.config.page === true &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  );
}

function hostName(host: string): string {
  const bracket = /^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(host);
  if (bracket?.[1] !== undefined) return bracket[1];
  return host.replace(/:\d+$/, '').toLowerCase();
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function denied(message: string): ProtocolError {
  return new ProtocolError('permission_denied', message);
}
