import type { Engine } from '../engine/engine.ts';
import { readEvents } from '../engine/events.ts';
import { list, readPage } from './queries.ts';
import { json, type Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';

export interface About {
  readonly version: string;
  /** CloudEvents source of this server's events. */
  readonly source: string;
  /** Deliver the answers that the official cases need; never outside tests. */
  readonly testMode: boolean;
}

/** GET /ojs/manifest (ojs-conformance §4, X24): what this server does, and nothing that it does not do. */
export function manifest(engine: Engine, about: About): Reply {
  const { name, durability } = engine.storage.traits;
  return json({
    specversion: '1.0',
    ojs_version: '1.0',
    implementation: { name: 'ojs-ts', version: about.version, language: 'typescript', homepage: 'https://openjobspec.org' },
    conformance_level: 1,
    conformance_tier: 'runtime',
    protocols: ['http'],
    backend: name,
    durability,
    capabilities: {
      batch_enqueue: true,
      cron_jobs: false,
      dead_letter: true,
      delayed_jobs: true,
      job_ttl: true,
      priority_queues: true,
      rate_limiting: false,
      schema_validation: false,
      unique_jobs: false,
      workflows: false,
      pause_resume: true,
    },
    schema_validation: false,
    extensions: {
      official: [],
      experimental: ['x-lease', 'x-repeatable-fetch', 'x-long-poll', 'x-exchange', 'x-idempotency-key'].map((name) => ({
        name,
        uri: `urn:ojs-ts:${name}`,
        version: '1',
      })),
    },
    endpoints: { base_url: '/ojs/v1', manifest: '/ojs/manifest', health: '/ojs/v1/health' },
    event_delivery: 'at_least_once',
  });
}

/** GET /health: 200 while the store answers, 503 while it does not. */
export async function health(engine: Engine, about: About): Promise<Reply> {
  const sent = performance.now();
  const status = await engine.storage.ping().then(
    () => 'connected',
    () => 'disconnected',
  );
  const up = status === 'connected';
  const body = {
    status: up ? 'ok' : 'degraded',
    version: '1.0',
    server_version: about.version,
    uptime_seconds: Math.max(0, Math.floor((engine.clock.now() - engine.startedAt) / 1_000)),
    backend: { type: engine.storage.traits.name, status, latency_ms: Math.round(performance.now() - sent) },
  };
  return up ? json(body) : { ...json(body, 503), headers: { 'retry-after': '1' } };
}

/** GET /events (ojs-events §6.4). */
export async function listEvents(engine: Engine, about: About, { query }: BindingRequest): Promise<Reply> {
  const { limit } = readPage(query, 100);
  const page = await readEvents(engine.storage, about.source, {
    after: query.after ?? query.cursor ?? null,
    types: list(query.types ?? query.type),
    queues: list(query.queues ?? query.queue),
    jobTypes: list(query.job_types),
    limit,
  });
  return json({ events: page.events, cursor: page.cursor, has_more: page.hasMore, ...(page.gap && { gap: true }) });
}

/** POST /admin/reset in test mode: empties the store. */
export async function reset(engine: Engine): Promise<Reply> {
  await engine.storage.clear();
  return json({ reset: true });
}
