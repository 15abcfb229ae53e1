import { expectedJobType, expectedQueueName, isJobType, isQueueName, readDuration } from '@ojs-ts/core';
import { consoleLogger, type Logger } from '../connection/logger.ts';
import { OJSValidationError } from '../errors.ts';
import { quoted } from '../json.ts';
import type { Duration } from './duration.ts';

/** Time limits below a second are rare. `timeout: 30` usually means seconds. */
const rareMs = 999;
const warned = new Set<string>();

/** Warns of a time limit that looks like seconds, once a process for each name. @param logger Default: the console. */
export function warnOfSeconds(value: Duration | undefined, name: string, logger?: Logger): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > rareMs || warned.has(name)) return;
  warned.add(name);
  (logger ?? consoleLogger()).warn(
    `${name}: ${value} is ${value} milliseconds. Write '${value}s' for seconds, or '${value}ms' for milliseconds.`,
  );
}

/** The duration in milliseconds. @param name the option, for the error. @throws {OJSValidationError} */
export function durationMs(value: Duration, name: string): number {
  const ms = readDuration(value);
  if (ms === null) {
    throw OJSValidationError.of(
      name,
      `expected milliseconds as a number or a text such as '5s' or 'PT5S', got ${quoted(value)}${meantBy(value)}`,
    );
  }
  return ms;
}

const unit = /^\s*(\d+(?:\.\d+)?)\s*(milli|ms|s|m(?!o)|h|d)[a-z]*\.?\s*$/i;

/** `. Did you mean '5m'?` for a text such as '5 min'. */
function meantBy(value: unknown): string {
  const [, count, letters] = (typeof value === 'string' && unit.exec(value)) || [];
  const short = letters?.toLowerCase().replace('milli', 'ms');
  return count === undefined ? '' : `. Did you mean '${count}${short}'?`;
}

/** @throws {OJSValidationError} for anything but a whole number of at least `min`. */
export function integer(value: number | undefined, path: string, min: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return value;
  throw OJSValidationError.of(path, `expected a whole number of at least ${min}, got ${quoted(value)}`);
}

/** `. Did you mean email-queue?` for `Email_Queue`. */
function lowerCase(got: unknown, joint: string, isName: (name: unknown) => boolean): string {
  const name = String(got)
    .replace(/(?<=[a-z\d])(?=[A-Z])/g, joint)
    .replace(/[^\w.]+|_+/g, joint)
    .toLowerCase();
  return isName(name) ? `. Did you mean ${name}?` : '';
}

export function expectedQueue(got: unknown): string {
  return `expected ${expectedQueueName}, got ${JSON.stringify(got)}${lowerCase(got, '-', isQueueName)}`;
}

export function expectedType(got: unknown): string {
  return `expected ${expectedJobType}, got ${JSON.stringify(got)}${lowerCase(got, '_', isJobType)}`;
}

/** @param name the option or variable, for the error. @throws {OJSValidationError} */
export function readQueueName(queue: string, name: string): string {
  if (isQueueName(queue)) return queue;
  throw OJSValidationError.of(name, expectedQueue(queue));
}
