import { expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';

// The brief's Error Handling.

test('Exception Hierarchy', () => {
  const parents = [
    [ojs.OJSError, Error],
    [ojs.OJSAPIError, ojs.OJSError],
    [ojs.OJSConnectionError, ojs.OJSError],
    [ojs.OJSTimeoutError, ojs.OJSError],
    [ojs.OJSValidationError, ojs.OJSError],
    [ojs.DuplicateJobError, ojs.OJSAPIError],
    [ojs.JobNotFoundError, ojs.OJSAPIError],
    [ojs.QueuePausedError, ojs.OJSAPIError],
    [ojs.RateLimitedError, ojs.OJSAPIError],
  ] as const;
  for (const [child, parent] of parents) expect(Object.getPrototypeOf(child)).toBe(parent);
});
