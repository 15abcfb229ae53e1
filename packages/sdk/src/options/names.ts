import { OJSValidationError } from '../errors.ts';

/** Every part starts with a letter, so the pattern never backtracks: it takes linear time on any text. */
const jobType = /^[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*$/;
const queueName = /^[a-z0-9][a-z0-9.-]*$/;

/** ojs-core §5.1; at most 255 characters. */
export function isJobType(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 255 && jobType.test(name);
}

/** ojs-core §5.1; at most 128 characters. */
export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 128 && queueName.test(name);
}

export function expectedQueue(got: unknown): string {
  return `expected lower-case letters, digits, '-' and '.', such as 'email-high', got ${JSON.stringify(got)}`;
}

/** @param name the option or variable, for the error. @throws {OJSValidationError} */
export function readQueueName(queue: string, name: string): string {
  if (isQueueName(queue)) return queue;
  throw OJSValidationError.of(name, expectedQueue(queue));
}

export function expectedType(got: unknown): string {
  return `expected lower-case words joined by dots, such as 'email.send', got ${JSON.stringify(got)}`;
}
