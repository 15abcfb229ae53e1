import { expect, test } from 'vitest';
import { uuidv7 } from '../../src/index.ts';
import { readEnvelope } from '../../src/job/index.ts';

const traceOf = (meta: object) =>
  readEnvelope(JSON.stringify({ type: 'a.b', args: [], meta }), Date.UTC(2026, 0, 1), uuidv7).job.trace;

test('a trace id that some store cannot hold (control characters, half a surrogate pair) is no trace', () => {
  expect(traceOf({ trace_id: 'abc' })).toBe('abc');
  expect(traceOf({ traceparent: '00-abc-def-01' })).toBe('abc');
  for (const text of ['a\0b', 'a\nb', 'a\ud800']) {
    expect(traceOf({ trace_id: text })).toBeNull();
    expect(traceOf({ traceparent: `00-${text}-def-01` })).toBeNull();
  }
});
