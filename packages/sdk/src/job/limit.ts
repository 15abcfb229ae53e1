import { formatDuration, isObject, type NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { compact, eachOf, numberOf, quoted, textOf, type Wire, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, integer } from '../options/values.ts';
import { type JobLimit, type LimitNumbers, numberNames, type Rate, rateNames } from './policies.ts';

const limitNames: NamesOf<JobLimit> = { ...numberNames, key: true };

const maxPeriodMs = 86_400_000;
const maxLimits = 8;

/** @throws {OJSValidationError} with the path of the wrong member. */
export function wireLimits(limits: readonly JobLimit[]): readonly object[] {
  if (!Array.isArray(limits) || limits.length > maxLimits)
    throw OJSValidationError.of(
      'limits',
      `expected an array of at most ${maxLimits} limits, such as [{ key: 'stripe', concurrency: 5 }]`,
    );
  return limits.map((limit: JobLimit, index) => {
    const path = `limits[${index}]`;
    if (!isObject(limit))
      throw OJSValidationError.of(path, "expected a limit such as { key: 'stripe', concurrency: 5 }", limit);
    checkNames(limit, limitNames, path);
    const { key } = limit;
    if (typeof key !== 'string' || key === '' || key.length > 255)
      throw OJSValidationError.of(`${path}.key`, `expected a text of 1 to 255 characters, got ${JSON.stringify(key)}`);
    return { key, ...wireNumbers(limit, `${path}.`, 1) };
  });
}

/** @param least the smallest concurrency: 0 for operators, who may stop every start. @throws {OJSValidationError} */
export function wireNumbers({ concurrency, rate, spacing }: LimitNumbers, path: string, least: 0 | 1): object {
  return compact({
    concurrency: integer(concurrency, `${path}concurrency`, least),
    rate: rate === undefined ? undefined : wireRate(rate, `${path}rate`),
    throttle: spacing === undefined ? undefined : { limit: 1, period: period(spacing, `${path}spacing`) },
  });
}

/** @throws {OJSValidationError} */
export function wireRate(rate: Rate, path: string): object {
  if (!isObject(rate)) throw OJSValidationError.of(path, "expected a rate such as { limit: 100, period: '1m' }", rate);
  checkNames(rate, rateNames, path);
  if (rate.limit === undefined)
    throw OJSValidationError.of(`${path}.limit`, 'expected a whole number of starts', rate.limit);
  return { limit: integer(rate.limit, `${path}.limit`, 1), period: period(rate.period, `${path}.period`) };
}

function period(value: Duration, path: string): string {
  const ms = value === undefined ? 0 : durationMs(value, path);
  if (ms > 0 && ms <= maxPeriodMs) return formatDuration(ms);
  throw OJSValidationError.of(
    path,
    `expected a duration above 0 and of at most one day, such as '1m', got ${quoted(value)}`,
  );
}

/** The limits of a job, read from their wire form. */
export function readLimits(value: unknown): JobLimit[] | undefined {
  if (value === undefined || value === null) return undefined;
  return eachOf(Array.isArray(value) ? value : [value], (one) => {
    const raw = wireOf(one);
    const key = textOf(raw?.key);
    return raw === undefined || key === undefined ? undefined : { key, ...readNumbers(raw) };
  });
}

/** Numbers of a job or of an operator. */
export function readNumbers(raw: Wire): LimitNumbers {
  const spacing = readRate(raw.throttle);
  return compact({ concurrency: numberOf(raw.concurrency), rate: readRate(raw.rate), spacing: spacing?.period });
}

export function readRate(value: unknown): { readonly limit: number; readonly period: `P${string}` } | undefined {
  const raw = wireOf(value);
  const [limit, period] = [numberOf(raw?.limit), textOf(raw?.period)];
  return limit !== undefined && period !== undefined && isIso(period) ? { limit, period } : undefined;
}

function isIso(text: string): text is `P${string}` {
  return text.startsWith('P');
}
