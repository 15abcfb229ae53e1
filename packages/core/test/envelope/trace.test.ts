import { expect, test } from 'vitest';
import { readEnvelope, uuidv7 } from '../../src/index.ts';

const traceOf = (meta: object) =>
  readEnvelope(JSON.stringify({ type: 'a.b', args: [], meta }), Date.UTC(2026, 0, 1), uuidv7).job.trace;

test('a trace is one that every store can hold: what has control characters or half a surrogate pair is somebody’s data', () => {
  expect(traceOf({ trace_id: 'abc' })).toBe('abc');
  expect(traceOf({ traceparent: '00-abc-def-01' })).toBe('abc');
  for (const text of ['a\0b', 'a\nb', 'a\ud800']) {
    expect(traceOf({ trace_id: text })).toBeNull();
    expect(traceOf({ traceparent: `00-${text}-def-01` })).toBeNull();
  }
});
