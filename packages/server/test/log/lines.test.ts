// docs/reference/logs.md against the source, and the shape of a line.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { serverLog } from '../../src/server-log.ts';
import { writtenLines } from './written-lines.ts';

test('docs/reference/logs.md lists every line that the source writes, with its level', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/reference/logs.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (trace|debug|info|warn|error) \|/gm)];
  const documented = rows.map(([, message, level]) => `${level} ${message}`);
  const written = writtenLines().map(({ level, message }) => `${level} ${message}`);
  expect(documented.toSorted()).toEqual([...new Set(written)].toSorted());
  expect(documented).toHaveLength(new Set(documented).size);
});

function written(write: (log: ReturnType<typeof serverLog>) => void): Readonly<Record<string, unknown>> {
  const lines: string[] = [];
  write(serverLog('trace', { write: (line) => void lines.push(line) }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '');
}

test('a line has its fields where ojs-logging §5 puts them', () => {
  const fields = { category: 'worker', worker_id: 'w', trace_id: 't', queue: 'q', job_id: null, moved: 3 };
  expect(written((log) => log.warn(fields, 'It happened'))).toEqual({
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    severity: 'WARN',
    severity_number: 13,
    message: 'It happened',
    component: 'server',
    category: 'worker',
    ojs: { worker_id: 'w', queue: 'q' },
    trace: { trace_id: 't' },
    attributes: { moved: 3 },
  });
});

test('of an error a line has the type, message, code and place, and nothing that a driver adds', () => {
  const cause = Object.assign(new TypeError('the cause'), { parameters: ['secret'] });
  const error = Object.assign(new Error('it broke', { cause }), { code: '23505', command: { args: ['secret'] } });
  const line = written((log) => log.error({ err: error }, 'request failed'));
  expect(line.error).toEqual({
    type: 'Error',
    message: 'it broke',
    code: '23505',
    backtrace: error.stack,
    cause: { type: 'TypeError', message: 'the cause', backtrace: cause.stack },
  });
  expect(JSON.stringify(line)).not.toContain('secret');
});

test('an error that is the cause of its cause has a line', () => {
  const [error, cause] = [new Error('the error'), new Error('the cause')];
  error.cause = cause;
  cause.cause = error;
  expect(written((log) => log.error({ err: error }, 'It failed'))).toMatchObject({
    error: { message: 'the error', cause: { message: 'the cause' } },
  });
});

test('no text in a line can steer a terminal, and its JSON keeps every character', () => {
  const lines: string[] = [];
  const message = 'a\u0000\u001b\u009b2J\u007f\u0085\u2028\u202e\u2066b é 🎉';
  serverLog('info', { write: (line) => void lines.push(line) }).info({ err: new Error(message), queue: 'q' }, message);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message, error: { message } });
});
