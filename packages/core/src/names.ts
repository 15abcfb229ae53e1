// Every segment begins with a letter and cannot hold a dot, so each pattern takes linear time on any text.
const jobType = /^[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*$/;
const lowerCaseName = /^[a-z0-9][a-z0-9.-]*$/;

/** Completes "it must be …" and "expected …" (ojs-core §5.1). */
export const expectedJobType =
  'lower-case words joined by dots, such as email.send: letters, digits, _ and -, at most 255 characters';
export const expectedQueueName =
  'lower-case letters, digits, - and ., such as email-high: at most 128 characters, the first a letter or a digit';

export function isJobType(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 255 && jobType.test(name);
}

export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 128 && lowerCaseName.test(name);
}

/** The name of a cron, which may be part of a path. */
export function isCronName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 255 && lowerCaseName.test(name);
}

/** A client normalises a path with such a segment, so a queue or job with this name could never be read. */
export function isDotSegment(name: string): boolean {
  return name === '.' || name === '..';
}

/** The type of a job that undoes steps ends so: no handler takes it for the job itself. */
export const undoSuffix = '.undo';

/** Named priorities (ojs-core §5.2). */
export const namedPriorities = { HIGH: 10, NORMAL: 0, LOW: -10 } as const;
export const expectedPriority = 'a whole number from -100 to 100';

export function isPriority(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -100 && value <= 100;
}
