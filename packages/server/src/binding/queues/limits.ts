import { ProtocolError, type ValidationIssue } from '@ojs-ts/core';
import { type Limit, queueLimitKey, type Rate } from '@ojs-ts/core/job';
import { readLimits } from '@ojs-ts/core/lifecycle';
import { pagination, readPage, wrongValue } from '@ojs-ts/core/requests';
import { type BodyOf, readBody } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import type { LimitRecord } from '../../storage/storage.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, type Reply } from '../reply.ts';
import { readQueueLimit, renderRate } from './config.ts';
import { checkLimitKey, checkQueueName, unknownLimit } from './known-names.ts';
import { readLimitSearch, searchLimits } from './limit-search.ts';
import { readName } from './queues.ts';

type Engine = Parts<'clock' | 'limitOverrides' | 'queueSettings' | 'storage'>;

/** Limits of executions by key (ojs-rate-limiting §10). */
export const limitHandlers: Handlers<'limit.list' | 'limit.get' | 'limit.override' | 'limit.restore' | 'queue.limit'> =
  {
    'limit.list': listLimits,
    'limit.get': getLimit,
    'limit.override': overrideLimit,
    'limit.restore': restoreLimit,
    'queue.limit': limitQueue,
  };

/** GET /rate-limits, by key; or those with a part of a key, or those that hold back the most first. */
async function listLimits(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query, 20);
  const { limit, offset, cursor } = page;
  const wanted = readLimitSearch(query);
  if (wanted !== null) {
    const { items: records, total, search } = await searchLimits(engine.storage.registry, wanted, page);
    const items = records.map((one) => render(one, null, engine.clock.now()));
    const shown = { ...pagination(page, total, items.length, null), has_more: offset + items.length < total };
    return json({ items, rate_limits: items, pagination: shown, search });
  }
  const found = await engine.storage.registry.limits({ limit, offset, ...(cursor !== null && { after: cursor }) });
  const now = engine.clock.now();
  const items = found.items.map((one) => render(one, null, now));
  return json({ items, rate_limits: items, pagination: pagination(page, found.total, items.length, found.next) });
}

/** GET /rate-limits/:key: 404 for a key that no job and no operator has named. */
async function getLimit(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const key = params.key ?? '';
  const limit = await engine.storage.registry.limit(key);
  if (limit === null) throw await unknownLimit(engine, key);
  return answer(engine, limit);
}

/**
 * PUT /rate-limits/:key `{concurrency, rate, throttle, expires_at}`: overrides the numbers of jobs, until it is removed
 * or expires.
 */
async function overrideLimit(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { expires_at: expiresAt = null, ...numbers } = readBody('limit.override', request, engine.clock.now());
  const limit = readNumbers(request.params.key ?? '', numbers);
  const warnings = await checkLimitKey(engine, limit.key, request);
  return { ...(await answer(engine, await engine.limitOverrides.set(limit.key, limit, expiresAt))), warnings };
}

/** DELETE /rate-limits/:key/override: the numbers of the jobs apply again, or those of the queue's configuration. */
async function restoreLimit(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const key = params.key ?? '';
  if ((await engine.storage.registry.limit(key)) === null) throw await unknownLimit(engine, key);
  return answer(engine, await engine.limitOverrides.restore(key));
}

/**
 * PUT /admin/queues/:name/rate-limit `{concurrency, rate}`: a part of the queue's configuration (ojs-rate-limiting
 * §7.2).
 */
async function limitQueue(engine: Engine, request: BindingRequest): Promise<Reply> {
  const name = readName(request.params);
  const limit = readQueueLimit(readBody('queue.limit', request, 0), 'rate', name);
  const warnings = await checkQueueName(engine, name, request);
  await engine.queueSettings.configure(name, {
    concurrency: limit?.concurrency ?? null,
    rate: limit?.rates[0] ?? null,
  });
  const record = await engine.storage.registry.limit(queueLimitKey(name));
  const reply =
    record === null ? json({ queue: name, key: queueLimitKey(name) }) : await answer(engine, record, { queue: name });
  return { ...reply, warnings };
}

function readNumbers(key: string, numbers: BodyOf<'limit.override'>): Limit {
  const issues: ValidationIssue[] = [];
  const prefix = queueLimitKey('');
  const [limit] = readLimits(
    { ...numbers, on_limit: undefined, key },
    '$',
    key.startsWith(prefix) ? key.slice(prefix.length) : '',
    issues,
    0,
  );
  if (issues.length > 0) throw ProtocolError.invalid(issues);
  if (limit === undefined || (limit.concurrency === null && limit.rates.length === 0))
    throw wrongValue('$', 'must have at least one of concurrency, rate, throttle and max_per_second');
  return limit;
}

async function answer(engine: Engine, limit: LimitRecord, more: object = {}): Promise<Reply> {
  return json({ ...more, ...render(limit, await engine.limitOverrides.expiry(limit.key), engine.clock.now()) });
}

/**
 * With the numbers that apply. A rate of one start is both a rate and a throttle. Windows slide, so a window resets
 * when its oldest start leaves it.
 */
function render(limit: LimitRecord, expiresAt: number | null, now: number): object {
  const { key, own, override, active, waiting } = limit;
  const { concurrency, rates } = override ?? own;
  const windows = rates.map((rate) => window(rate, limit.starts, now));
  const single = rates.findLast(({ count }) => count === 1);
  return {
    key,
    ...(concurrency !== null && {
      concurrency: { limit: concurrency, active, available: Math.max(0, concurrency - active) },
    }),
    ...(windows[0] !== undefined && { rate: windows[0] }),
    ...(single !== undefined && {
      throttle: {
        ...renderRate(single),
        next_allowed_at: time(Math.max(now, (limit.starts.at(-1) ?? 0) + single.perMs)),
      },
    }),
    ...(windows.length > 1 && { rates: windows }),
    active,
    active_count: active,
    waiting_count: waiting,
    override:
      override === null
        ? null
        : {
            concurrency: override.concurrency,
            rates: override.rates.map(renderRate),
            expires_at: expiresAt === null ? null : time(expiresAt),
          },
  };
}

function window(rate: Rate, starts: readonly number[], now: number): object {
  const counted = starts.filter((at) => at > now - rate.perMs);
  const oldest = counted[0];
  return {
    ...renderRate(rate),
    current_count: counted.length,
    window_resets_at: time(oldest === undefined ? now : oldest + rate.perMs),
  };
}

function time(at: number): string {
  return new Date(at).toISOString();
}
