import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIdIn, isUuidv7, timeOfUuid, uuidIn, uuidv7 } from '../src/uuid.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,40}$/);

test('an id for a queue is a UUIDv7 of now that names its queue', () => {
  fc.assert(
    fc.property(name, (queue) => {
      const from = Date.now();
      const id = uuidIn(queue);
      expect(isUuidv7(id)).toBe(true);
      expect(timeOfUuid(id)).toBeGreaterThanOrEqual(from);
      expect(isIdIn(id, queue)).toBe(true);
    }),
  );
});

test('the ids of one queue are all different', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => uuidIn('mail'))).size).toBe(10_000);
});

test('ids of other queues, and ids that name none, rarely name this one', () => {
  const queues = Array.from({ length: 5_000 }, (_, number) => `tenant-${number}`);
  // One in 65,536 of 10,000 is expected; more than ten has a probability below one in a billion.
  const wrong = queues.filter((queue) => isIdIn(uuidIn(queue), 'mail') || isIdIn(uuidv7(), queue));
  expect(wrong.length).toBeLessThan(10);
});
