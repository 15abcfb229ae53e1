import { isObject, type NamesOf } from '@ojs-ts/core';
import { OJSAnswerError, OJSValidationError } from '../errors.ts';
import { readNumbers, readRate, wireNumbers } from '../job/limit.ts';
import { type CreateOptions, createNames } from '../job/options.ts';
import { type LimitNumbers, numberNames } from '../job/policies.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { PageQuery } from './page.ts';
import { creating } from './queues.ts';
import { change, list, read } from './row.ts';

/** A rate with its use. */
export interface RateUse {
  readonly limit: number;
  /** ISO 8601. */
  readonly period: `P${string}`;
  /** Starts in the window that ends now. */
  readonly used: number;
  /** When the oldest start leaves the window. */
  readonly resetsAt?: Date;
}

/** A limit with its current numbers and its use (ojs-rate-limiting §10.1). */
export interface Limit {
  readonly key: string;
  /** Absent if concurrency is not limited. */
  readonly concurrency?: number;
  readonly rates: readonly RateUse[];
  /** Executions that count under the key now. */
  readonly active: number;
  /** Jobs that the key holds back. */
  readonly waiting: number;
  /** The numbers of an operator; absent without an override. */
  readonly override?: LimitOverride;
}

/** Numbers of an operator, which replace those of the jobs. */
export interface LimitOverride extends LimitNumbers {
  /** Absent if the override has no end. */
  readonly expiresAt?: Date;
}

/** An override; at least one number is needed. A concurrency of 0 stops every start. */
export interface LimitOverrideRequest extends LimitNumbers {
  /** Default: until {@link Admin.restoreLimit}. */
  expiresAt?: Date | string | undefined;
}

const overrideNames: NamesOf<LimitOverrideRequest> = { ...numberNames, expiresAt: true };

export const limitRows = {
  /** The limits of jobs and operators, by key, with their use. */
  listLimits: () => (query: PageQuery) => list('limit.list', query, ['items', 'rate_limits'], readLimit),
  /** One limit; the limit of a queue has the key `queue:NAME`. @throws {JobNotFoundError} for an unknown key. */
  getLimit: (key: string) => read({ operation: 'limit.get', params: { key } }, readLimit),
  /**
   * Replaces the numbers of the jobs at once; `{ concurrency: 0 }` stops every start. @throws {OJSValidationError}
   * before anything is sent; {JobNotFoundError} for a key that no job has, without `create`.
   */
  overrideLimit: {
    names: createNames,
    make: (key: string, numbers: LimitOverrideRequest, { create = false }: CreateOptions) => {
      checkNames(numbers, overrideNames);
      const sent = wireNumbers(numbers, '', 0);
      if (Object.keys(sent).length === 0)
        throw OJSValidationError.of(
          'concurrency',
          `expected at least one of ${Object.keys(numberNames).join(', ')}; restoreLimit() ends an override`,
        );
      const body = JSON.stringify(compact({ ...sent, expires_at: timestamp(numbers.expiresAt, 'expiresAt') }));
      return change({ operation: 'limit.override', params: { key }, ...creating(create), body }, readLimit);
    },
  },
  /** Removes an override: the numbers of the jobs or of the queue apply again. @throws {JobNotFoundError} */
  restoreLimit: (key: string) => change({ operation: 'limit.restore', params: { key } }, readLimit),
};

function readLimit(body: unknown): Limit {
  const raw = wireOf(body) ?? {};
  const key = textOf(raw.key);
  if (key === undefined) throw new OJSAnswerError('The answer holds no limit: expected an object with a key.');
  const concurrency = wireOf(raw.concurrency);
  return compact({
    key,
    concurrency: numberOf(concurrency?.limit),
    rates: eachOf(Array.isArray(raw.rates) ? raw.rates : [raw.rate], readUse),
    active: numberOf(raw.active) ?? numberOf(concurrency?.active) ?? 0,
    waiting: numberOf(raw.waiting_count) ?? 0,
    override: isObject(raw.override) ? readOverride(raw.override) : undefined,
  });
}

function readUse(value: unknown): RateUse | undefined {
  const rate = readRate(value);
  const raw = wireOf(value);
  return rate && compact({ ...rate, used: numberOf(raw?.current_count) ?? 0, resetsAt: dateOf(raw?.window_resets_at) });
}

/** The rates of a limit; a spacing is a rate of one start in its window. */
function readOverride(raw: Wire): LimitOverride {
  const rates = eachOf(raw.rates, readRate);
  const rate = rates.find(({ limit }) => limit > 1) ?? (rates.length > 1 ? rates[0] : undefined);
  const spacing = rates.find((one) => one !== rate && one.limit === 1)?.period;
  return compact({ ...readNumbers(raw), rate, spacing, expiresAt: dateOf(raw.expires_at) });
}
