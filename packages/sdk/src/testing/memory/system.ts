import { ProtocolError } from '@ojs-ts/core';
import { type EventEntry, readEntries, readEventId, renderEvent, type WireEvent } from '@ojs-ts/core/events';
import { maxBatchJobs, maxEnvelopeBytes } from '@ojs-ts/core/job';
import { json, type PlainReply } from '@ojs-ts/core/requests';
import { maxNesting, maxNodes } from '@ojs-ts/core/workflow';
import { type Answers, listed, type Request } from './reply.ts';
import type { Table } from './table.ts';

const maxEvents = 1_000;
/** Each store has its own seed, so that the events of one are never mistaken for those of another. */
let seeds = 0;

export function systemAnswers(table: Table): Answers {
  const startedAt = table.now;
  const seed = ++seeds & 0xffff;
  return {
    'system.manifest': () => json(manifest),
    'system.health': () =>
      json({
        status: 'ok',
        version: '1.0',
        uptime_seconds: Math.max(0, Math.floor((table.now - startedAt) / 1_000)),
        backend: { type: 'testing', status: 'connected', latency_ms: 0 },
      }),
    'event.list': (call) => listEvents(table, call, seed),
  };
}

const manifest = {
  specversion: '1.0',
  ojs_version: '1.0',
  implementation: { name: 'ojs-ts', language: 'typescript', homepage: 'https://openjobspec.org' },
  conformance_level: 4,
  conformance_tier: 'runtime',
  protocols: [],
  backend: 'testing',
  durability: 'none',
  capabilities: {
    batch_enqueue: true,
    cron_jobs: true,
    dead_letter: true,
    delayed_jobs: true,
    job_ttl: true,
    priority_queues: true,
    rate_limiting: true,
    schema_validation: false,
    unique_jobs: true,
    workflows: true,
    pause_resume: true,
  },
  unique_job_strength: 'strong',
  schema_validation: false,
  extensions: {
    official: [],
    experimental: [{ name: 'x-relative-times', uri: 'urn:ojs-ts:x-relative-times', version: '1' }],
  },
  limits: {
    max_envelope_bytes: maxEnvelopeBytes,
    max_batch_jobs: maxBatchJobs,
    max_workflow_nodes: maxNodes,
    max_workflow_nesting: maxNesting,
  },
  endpoints: { base_url: '/ojs/v1', manifest: '/ojs/manifest', health: '/ojs/v1/health' },
  event_delivery: 'at_least_once',
};

/** GET /events (ojs-events §6.4). */
function listEvents(table: Table, call: Request, seed: number): PlainReply {
  const after = String(call.query.after ?? call.query.cursor ?? '');
  const position = after === '' ? 0 : (readEventId(after)?.position ?? Number(after));
  if (!Number.isSafeInteger(position) || position < 0) {
    const message = 'is not a cursor of this server; expected the cursor of an earlier answer, or the id of an event.';
    throw ProtocolError.invalid([{ path: 'after', message }]);
  }
  const limit = Math.min(maxEvents, Number(call.query.limit ?? 100) || 100);
  const matches = matcher(call);
  const { batches, newest } = table.log.events(position, Number.MAX_SAFE_INTEGER);
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

function matcher(call: Request): (entry: EventEntry) => boolean {
  const kinds = listed(call, 'types', 'type');
  const queues = listed(call, 'queues', 'queue');
  const isKind = (kind: string) =>
    kinds.some((one) => (one.endsWith('*') ? kind.startsWith(one.slice(0, -1)) : one === kind));
  return ([kind, , , queue]) => (kinds.length === 0 || isKind(kind)) && (queues.length === 0 || queues.includes(queue));
}
