import { formatDuration, formatTimestamp, ProtocolError } from '@ojs-ts/core';
import { type Grant, shownEvent } from '@ojs-ts/core/access';
import { readEventFilter } from '@ojs-ts/core/events';
import { manifestOf } from '@ojs-ts/core/handlers';
import { docsAddress, findingPlace, pagination, readAdminPage, readPage, repositoryDocs } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import { diagnose } from '../engine/diagnosis.ts';
import type { Parts } from '../engine/engine.ts';
import type { StoreCheck } from '../engine/upkeep/store-health.ts';
import { type EventPage, type EventQuery, readEvents } from '../realtime/log/events.ts';
import { readNewestEvents } from '../realtime/log/newest-events.ts';
import type { About, BindingRequest, Handlers } from './handler.ts';
import { json, type Reply } from './reply.ts';

type Engine = Parts<
  | 'clock'
  | 'crons'
  | 'history'
  | 'maintenance'
  | 'queues'
  | 'reset'
  | 'retentionBacklog'
  | 'settings'
  | 'startedAt'
  | 'storage'
  | 'storeHealth'
  | 'subscriptions'
  | 'tokens'
  | 'upkeep'
  | 'workers'
  | 'steps'
>;

export const systemHandlers: Handlers<'system.manifest' | 'system.health' | 'system.doctor' | 'event.list'> = {
  'system.manifest': (engine, { quirk }, about) => manifest(engine, about, quirk === 'plain names'),
  'system.health': (engine, _, about) => health(engine, about),
  'system.doctor': doctor,
  'event.list': (engine, request, about) => listEvents(engine, about, request),
};

/**
 * Extensions of which every MUST holds (ojs-extension-lifecycle §4.2); docs/reference/extensions.md has the reasons for
 * the others.
 */
const declared = ['backpressure', 'bulk-operations', 'durable-execution', 'observability', 'progress'] as const;
/** Additions of this server, described in docs/reference/server.md. */
const own = [
  'x-lease',
  'x-repeatable-fetch',
  'x-long-poll',
  'x-exchange',
  'x-worker-secret',
  'x-idempotency-key',
  'x-relative-times',
  'x-steps',
] as const;

interface Extension {
  readonly name: string;
  readonly uri: string;
  readonly version: string;
}

const official = declared.map((name): Extension => ({ name, uri: `urn:ojs:ext:${name}`, version: '1.0.0-rc.1' }));
const additions = own.map((name): Extension => ({ name, uri: `urn:ojs-ts:${name}`, version: '1' }));
const executionHistory: Extension = {
  name: 'execution-history',
  uri: 'urn:ojs:ext:execution-history',
  version: '0.1.0',
};

/**
 * The specification's own, which it calls experimental (ojs-extension-lifecycle §4.3), and additions of this server.
 */
function experimentalOf({ history }: Engine): readonly Extension[] {
  return history.enabled ? [executionHistory, ...additions] : additions;
}

/**
 * OJS-Requires-Extension (ojs-extension-lifecycle §8.3): extensions that a request needs, by URI, separated by commas.
 * @throws ProtocolError `extension_not_supported` for one that the manifest does not have.
 */
export function requireExtensions(engine: Engine, header: string): void {
  const uris = new Set([...official, ...experimentalOf(engine)].map(({ uri }) => uri));
  for (const uri of header.split(',').map((one) => one.trim())) {
    if (uri === '' || uris.has(uri)) continue;
    const extension = uri.slice(0, 255);
    throw new ProtocolError('extension_not_supported', `This server does not declare the extension ${extension}.`, {
      extension,
    });
  }
}

/** GET /ojs/manifest (ojs-conformance §4): what this server does, and nothing else. */
export function manifest(engine: Engine, about: About, names = false): Reply {
  const { name, durability } = engine.storage.traits;
  const experimental = experimentalOf(engine);
  return json(
    manifestOf({
      version: about.version,
      protocols: ['http'],
      backend: name,
      durability,
      validates: true,
      extensions: names ? [...official, ...experimental].map((one) => one.name) : { official, experimental },
      retention: renderRetention(engine),
      maxStepBytes: engine.steps.maxJobBytes,
      delivery: engine.subscriptions.kept ? 'at_least_once' : 'none',
    }),
  );
}

/** How long finished things are kept, and how many of the newest of each kind; the stricter rule removes the oldest. */
function renderRetention({ settings, history }: Engine): object {
  const { completedMs, cancelledMs, discardedMs, keep, deadLetterMs, keepDeadLetters, eventsMs, keepEvents } =
    settings.retention;
  const kept = (ms: number, count: number) => ({ max_age: formatDuration(ms), max_count: count });
  return {
    completed: kept(completedMs, keep),
    cancelled: kept(cancelledMs, keep),
    discarded: kept(discardedMs, keep),
    dead_letter: kept(deadLetterMs, keepDeadLetters),
    events: kept(eventsMs, keepEvents),
    ...(history.enabled && { history: kept(history.keepMs, history.maxEvents) }),
  };
}

/**
 * GET /health, also as /ready: 200 while the store answers and takes writes, else 503; `checks` says why.
 * A damaged page or a wrong clock is `degraded` with 200: the rest of the store can still be used.
 */
export async function health(engine: Engine, about: About): Promise<Reply> {
  const sent = performance.now();
  const { storeHealth } = engine;
  const status = await engine.storage.ping().then(
    () => {
      storeHealth.answered();
      return 'connected';
    },
    (error) => {
      storeHealth.noticed(error);
      return 'disconnected';
    },
  );
  const { clock, file, movedAt } = storeHealth;
  const writes = status === 'connected' ? storeHealth.writes : storeHealth.away;
  const up = status === 'connected' && writes.status === 'pass';
  // Rows of users' transactions that wait for their import: near 0 while a server of this version runs.
  const waiting = status === 'connected' ? await engine.storage.inbox?.depth().catch(() => undefined) : undefined;
  const away = engine.storage.away?.() ?? [];
  const body = {
    status: up && away.length === 0 && clock.status === 'pass' && file.status === 'pass' ? 'ok' : 'degraded',
    version: '1.0',
    server_version: about.version,
    uptime_seconds: Math.max(0, Math.floor((engine.clock.now() - engine.startedAt) / 1_000)),
    backend: {
      type: engine.storage.traits.name,
      status,
      latency_ms: Math.round(performance.now() - sent),
      ...(movedAt !== null && { moved_at: formatTimestamp(movedAt) }),
    },
    checks: { writes, clock, file, ...(away.length > 0 && { parts: partsAway(away) }) },
    ...(engine.maintenance.on && { maintenance: true }),
    ...(waiting !== undefined && { inbox_depth: waiting }),
  };
  return up ? json(body) : { ...json(body, 503), headers: { 'retry-after': '1' } };
}

/** The check of a store that works in part. */
function partsAway(names: readonly string[]): StoreCheck {
  const message = `Namespaces that do not answer: ${names.join(', ')}. The others work.`;
  return { status: 'fail', reason: 'unreachable', message };
}

/** GET /admin/doctor: problems that an operator should fix, the worst first. */
export async function doctor(engine: Engine, { docsUrl = repositoryDocs }: BindingRequest): Promise<Reply> {
  const found = await diagnose(engine);
  const findings = found.map((one) => ({ ...one, docs_url: docsAddress(findingPlace(one.code), docsUrl) }));
  return json({ findings, checked_at: formatTimestamp(engine.clock.now()) });
}

/** GET /events (ojs-events §6.4); `order=desc` begins at the end of the log. */
export async function listEvents(engine: Engine, about: About, request: BindingRequest): Promise<Reply> {
  const { query, access, quirk, grant } = request;
  const { limit } = readPage(query, 100);
  const filter = readEventFilter(query);
  access?.chosen(filter.queues);
  const wanted = { ...filter, after: query.after ?? query.cursor ?? null, limit };
  if (quirk === 'admin page' && wanted.after === null) return pageOfEvents(engine, about, request, wanted);
  if (readQuery('event.list', query, 0).order === 'desc') {
    const { newest, ...page } = await readNewestEvents(engine.storage, about.source, wanted);
    return json({ ...renderPage(page, grant), newest_cursor: newest });
  }
  return json(renderPage(await readEvents(engine.storage, about.source, wanted), grant));
}

/**
 * The events for the published admin page: the newest first, by page. The log keeps no count of what matches. Before
 * its end, the total is one more than was read, so that the page offers the next one.
 */
async function pageOfEvents(
  { storage }: Engine,
  { source }: About,
  { query, grant }: BindingRequest,
  wanted: EventQuery,
): Promise<Reply> {
  const page = readAdminPage(query);
  const { since = 0 } = readQuery('job.list', { since: query.since }, 0);
  const { limit, offset } = page;
  const found = await readNewestEvents(storage, source, { ...wanted, limit: offset + limit });
  const recent = found.events.filter(({ time }) => Date.parse(time) >= since);
  const events = recent.slice(offset);
  const hasMore = found.hasMore && recent.length === found.events.length;
  const total = recent.length + Number(hasMore);
  return json({
    ...renderPage({ ...found, events, hasMore }, grant),
    items: events.map((event) => shownEvent(event, grant)),
    pagination: {
      ...pagination(page, total, events.length, hasMore ? found.cursor : null),
      ...(hasMore && { total_exact: false }),
    },
  });
}

function renderPage({ events, cursor, hasMore, gap }: EventPage, grant: Grant | undefined): object {
  return {
    events: events.map((event) => shownEvent(event, grant)),
    cursor,
    has_more: hasMore,
    ...(gap && { gap: true }),
  };
}

/** POST /admin/reset in test mode: empties the store. */
export async function reset(engine: Engine): Promise<Reply> {
  await engine.reset();
  return json({ reset: true });
}
