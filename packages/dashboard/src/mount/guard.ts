import { ProtocolError } from '@ojs-ts/core';
import type { MountRequest } from './request.ts';

const ownOrigin = 'Open the dashboard from its own origin.';

/**
 * Only the dashboard's own pages change something: another page can send neither the header nor the same origin.
 * @throws ProtocolError `permission_denied`
 */
export function checkSite({ method, header }: Pick<MountRequest<unknown>, 'method' | 'header'>): void {
  const site = header('sec-fetch-site');
  if (method === 'GET') {
    if (site === 'cross-site') throw denied('Requests from web pages of another site are refused.', ownOrigin);
    return;
  }
  if (header('x-ojs-csrf') !== '1')
    throw denied('A request that is no GET needs the header x-ojs-csrf: 1, which no page of another origin can send.');
  // A browser sends Sec-Fetch-Site to https and to this machine only, and Origin with everything that is no GET.
  const isOwn = site === undefined ? isOwnOrigin(header('origin'), header('host')) : site === 'same-origin';
  if (!isOwn)
    throw denied(
      'A request that is no GET must come from a page of the same origin: Sec-Fetch-Site, or else Origin, must say so.',
      ownOrigin,
    );
}

/**
 * Without `authorize` only this machine is served. Host reveals a page that reached it by a rebound DNS name; anything
 * but a browser sends the Host that it likes, so the connection must be known, too.
 * @throws ProtocolError `permission_denied`
 */
export function checkLoopback({ header, peer }: Pick<MountRequest<unknown>, 'header' | 'peer'>): void {
  if (peer === undefined)
    throw denied(
      'The dashboard has no option authorize, and does not learn from which machine this request comes. ' +
        'Say who may use it, with authorize; a handler of Fetch requests may pass the address of the ' +
        'connection as peer.',
    );
  if (isLoopbackHost(header('host') ?? '') && isLoopbackAddress(peer)) return;
  throw denied(
    'Without the option authorize the dashboard answers to this machine only, at localhost, 127.0.0.1 or [::1].',
    'Open the dashboard at one of these addresses, or set the option authorize.',
  );
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`);
}

function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || isLoopbackAddress(name);
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(address);
}

function denied(message: string, hint?: string): ProtocolError {
  return new ProtocolError('permission_denied', message, {}, hint);
}
