import { formatDuration, readDuration } from '@ojs-ts/core';
import { InvalidArgumentError } from 'commander';

/** So many starts in such a time, as the server reads it. */
export interface Rate {
  readonly limit: number;
  /** ISO 8601. */
  readonly period: string;
}

export const atLeastOne = upTo(999_999_999);

/** 0 stops everything. */
export function fromZero(text: string): number {
  return text === '0' ? 0 : atLeastOne(text);
}

/** A reader of whole numbers from 1. */
export function upTo(most: number): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`);
  };
}

/** `100/60s`. */
export function rate(text: string): Rate {
  const [limit = '', period = '', ...more] = text.split('/');
  const ms = readDuration(period);
  if (/^[1-9]\d{0,8}$/.test(limit) && ms !== null && ms > 0 && more.length === 0)
    return { limit: Number(limit), period: formatDuration(ms) };
  throw new InvalidArgumentError('Expected jobs and a time, such as 100/60s.');
}

/** `50/s`, `100/m` or `1/10s`, as jobs a second. */
export function perSecond(text: string): number {
  const [count = '', period = '', ...more] = text.split('/');
  const ms = readDuration(/^[a-z]/.test(period) ? `1${period}` : period);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(count) && Number(count) > 0 && ms !== null && ms > 0 && more.length === 0)
    return (Number(count) * 1_000) / ms;
  throw new InvalidArgumentError('Expected jobs and a time, such as 50/s or 100/m.');
}

/** A name or text that narrows something: an empty one, as of a variable that is not set, would mean everything. */
export function filled(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a text, got an empty one.');
}

/** A reader that also takes `none`, for no such setting. */
export function orNone<T>(read: (text: string) => T): (text: string) => T | 'none' {
  return (text) => (text === 'none' ? text : read(text));
}
