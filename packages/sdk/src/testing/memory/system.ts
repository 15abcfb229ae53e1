import { ProtocolError } from '@ojs-ts/core';
import { matcher, readEntries, readEventFilter, readEventId, renderEvent, type WireEvent } from '@ojs-ts/core/events';
import { manifestOf, type Request } from '@ojs-ts/core/handlers';
import { json, type PlainReply } from '@ojs-ts/core/requests';
import type { Answers, Host } from './host.ts';

const maxEvents = 1_000;

export const systemAnswers: Answers = {
  'system.manifest': () =>
    json(
      manifestOf({
        protocols: [],
        backend: 'testing',
        durability: 'none',
        validates: false,
        extensions: {
          official: [],
          experimental: [
            { name: 'x-relative-times', uri: 'urn:ojs-ts:x-relative-times', version: '1' },
            { name: 'x-steps', uri: 'urn:ojs-ts:x-steps', version: '1' },
          ],
        },
        delivery: 'at_least_once',
      }),
    ),
  'system.health': ({ clock, startedAt }) =>
    json({
      status: 'ok',
      version: '1.0',
      uptime_seconds: Math.max(0, Math.floor((clock.now() - startedAt) / 1_000)),
      backend: { type: 'testing', status: 'connected', latency_ms: 0 },
    }),
  'event.list': listEvents,
};

/** GET /events (ojs-events §6.4). */
function listEvents({ storage, seed }: Host, { query }: Request): PlainReply {
  const after = query.after ?? query.cursor ?? '';
  const position = after === '' ? 0 : (readEventId(after)?.position ?? Number(after));
  if (!Number.isSafeInteger(position) || position < 0) {
    const message = 'is not a cursor of this server; expected the cursor of an earlier answer, or the id of an event.';
    throw ProtocolError.invalid([{ path: 'after', message }]);
  }
  const limit = Math.min(maxEvents, Number(query.limit ?? 100) || 100);
  const matches = matcher(readEventFilter(query));
  const { batches, newest } = storage.log.events(position, Number.MAX_SAFE_INTEGER);
  const events: WireEvent[] = [];
  let next = position;
  for (const batch of batches) {
    for (const [index, entry] of readEntries(batch.entries).entries()) {
      if (batch.position + index <= position || events.length === limit) continue;
      next = batch.position + index;
      if (matches(entry)) events.push(renderEvent(batch, entry, index, 'ojs://ojs-ts/testing', seed));
    }
  }
  return json({ events, cursor: String(next), has_more: next < newest });
}
