import { ApiError, errorOf, fieldsOf, isAway, request } from './api.js';
import { nextWait, pause } from './pause.js';

/**
 * @typedef {{ readonly id: string, readonly name: string, readonly data: import('./api.js').Fields }} StreamEvent
 * @typedef {{ readonly id: string | null, readonly name: string | null, readonly data: string | null }} Block
 */

/** The place in the server's log of events at this moment; null where it keeps none. @param {AbortSignal} signal @returns {Promise<string | null>} */
export async function currentPlace(signal) {
  // No event has this kind: only the head is wanted.
  const response = await open('events/stream?channel=all&event_types=-', null, signal).catch((error) => {
    if (error instanceof ApiError && error.code === 'unsupported') return null;
    throw error;
  });
  if (response?.body == null) return null;
  for await (const { id } of blocks(response.body)) if (id !== null) return id;
  return null;
}

/**
 * Follows a stream of Server-Sent Events, and goes on after the last event when the connection breaks. It ends with the stream's subject. `fetch` instead of
 * EventSource, which could not send the token.
 *
 * @param {string} path @param {string | null} place to begin after
 * @param {AbortSignal} signal @param {(connected: boolean) => void} told
 * @returns {AsyncGenerator<StreamEvent, void>} @throws {ApiError}
 */
export async function* follow(path, place, signal, told) {
  let waitMs = 0;
  for (let lastId = place; ; ) {
    try {
      const response = await open(path, lastId, signal);
      told(true);
      if (response.status === 204 || response.body === null) return;
      for await (const block of blocks(response.body)) {
        if (block.id !== null) lastId = block.id;
        if (block.data === null) continue;
        waitMs = 0;
        yield { id: block.id ?? '', name: block.name ?? '', data: fieldsOf(block.data) };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError && !isAway(error)) throw error;
    }
    told(false);
    await pause(waitMs, signal);
    waitMs = nextWait(waitMs);
  }
}

/** @param {string} path @param {string | null} lastId @param {AbortSignal} signal */
async function open(path, lastId, signal) {
  const headers = { accept: 'text/event-stream', ...(lastId !== null && { 'last-event-id': lastId }) };
  const response = await request(path, { headers, signal });
  if (!response.ok) throw errorOf(response.status, await response.text());
  return response;
}

/** What stands between two empty lines, and closes the connection when it is left. @param {ReadableStream<Uint8Array<ArrayBuffer>>} body @returns {AsyncGenerator<Block, void>} */
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let rest = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield readBlock(part);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} text @returns {Block} */
function readBlock(text) {
  const fields = new Map(
    text.split('\n').map((line) => /** @type {const} */ ([line.split(':', 1)[0] ?? '', line.replace(/^[^:]*: ?/, '')])),
  );
  return { id: fields.get('id') ?? null, name: fields.get('event') ?? null, data: fields.get('data') ?? null };
}
