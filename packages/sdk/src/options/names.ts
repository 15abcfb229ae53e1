import { expectedJobType, expectedQueueName, isQueueName } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';

export function expectedQueue(got: unknown): string {
  return `expected ${expectedQueueName}, got ${JSON.stringify(got)}`;
}

export function expectedType(got: unknown): string {
  return `expected ${expectedJobType}, got ${JSON.stringify(got)}`;
}

/** @param name the option or variable, for the error. @throws {OJSValidationError} */
export function readQueueName(queue: string, name: string): string {
  if (isQueueName(queue)) return queue;
  throw OJSValidationError.of(name, expectedQueue(queue));
}
