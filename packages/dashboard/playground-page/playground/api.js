import { nextWait, pause } from './pause.js';
import { storedToken } from './token.js';

/**
 * @typedef {{ readonly [field: string]: unknown }} Fields
 * @typedef {{ readonly status: number, readonly text: string, readonly body: Fields }} Answer
 */

/** The API of the server that this page came from, wherever a proxy has put it. */
const root = new URL('../ojs/', import.meta.url);

/** What the server refused, in its own words, or that it could not be reached (status 0). */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {Fields} more the rest of the error */
  constructor(status, code, message, more = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

/** @param {string} path below `/ojs/v1/`, or `../manifest` @param {RequestInit} options */
export async function request(path, { headers, ...options } = {}) {
  const token = storedToken();
  const sent = new Headers(headers);
  if (token !== null) sent.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(new URL(path, new URL('v1/', root)), {
      ...options,
      headers: sent,
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
  }
}

/**
 * One call. The body goes out as it was written.
 *
 * @param {string} method @param {string} path @param {string} [body] JSON text @param {AbortSignal} [signal]
 * @returns {Promise<Answer>} @throws {ApiError}
 */
export async function call(method, path, body, signal) {
  const response = await request(path, {
    method,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    ...(signal && { signal }),
  });
  const text = await response.text().catch((error) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'The connection broke before the answer was complete.');
  });
  if (!response.ok) throw errorOf(response.status, text);
  return { status: response.status, text, body: fieldsOf(text) };
}

/**
 * Reads what is being followed. A server that is away is waited for: it may go between an event and the look that the event asked for.
 *
 * @param {string} path @param {AbortSignal} signal
 * @returns {Promise<Answer>} @throws {ApiError}
 */
export async function read(path, signal) {
  for (let waitMs = nextWait(0); ; waitMs = nextWait(waitMs)) {
    try {
      return await call('GET', path, undefined, signal);
    } catch (error) {
      if (!(error instanceof ApiError && isAway(error))) throw error;
    }
    await pause(waitMs, signal);
  }
}

/** Whether the same request may be answered a little later: not reached, too many, or what a proxy and a server that stops say. @param {ApiError} error */
export function isAway({ status }) {
  return status === 0 || status === 429 || status >= 502;
}

/** @param {number} status @param {string} text */
export function errorOf(status, text) {
  const { code, message, ...more } = recordOf(fieldsOf(text).error);
  return new ApiError(status, textOf(code) || 'unknown', textOf(message) || `The server answered ${status}.`, more);
}

/** @param {string} text @returns {Fields} */
export function fieldsOf(text) {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return {};
  }
}

/** @param {unknown} value @returns {Fields} */
export function recordOf(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** @param {unknown} value @returns {readonly Fields[]} */
export function recordsOf(value) {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

/** @param {unknown} value */
export function textOf(value) {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
