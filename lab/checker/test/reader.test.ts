import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { read } from '../src/index.ts';

test.each([
  ['{', 'history, line 1: not JSON'],
  ['[]', 'history, line 1: a record is a JSON object'],
  ['{"kind":"calm"}', 'history, line 1: `at` must be a number of milliseconds'],
  ['{"at":1,"kind":"quiet"}', 'history, line 1: `kind` must be one of config, call, answer'],
  ['{"at":1,"kind":"call","call":1,"node":"n","op":"akk"}', 'history, line 1: `op` must be one of enqueue, fetch'],
  ['{"at":1,"kind":"call","call":1,"node":"n","op":"ack"}', 'history, line 1: `job` of the call `ack` is missing'],
  ['{"at":1,"kind":"job","id":"a","queue":"q","state":"gone"}', '`state` of a record `job` is missing or of the wrong'],
  ['{"at":2,"kind":"calm"}\n\n{"at":1,"kind":"calm"}', 'history, line 3: `at` is 1, before 2'],
])('%j is refused', (lines, message) => {
  expect(() => [...read(lines.split('\n'))]).toThrow(message);
});

test('the program prints what is broken and ends with status 1', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'history-')), 'history.ndjson');
  writeFileSync(
    file,
    [
      '{"at":1,"kind":"call","call":1,"node":"n","op":"enqueue","jobs":[{"id":"a","queue":"q"}]}',
      '{"at":2,"kind":"answer","call":1,"outcome":"done","jobs":[{"id":"a","status":"created"}]}',
      '{"at":3,"kind":"complete"}',
    ].join('\n'),
  );
  const { status, stdout } = spawnSync(process.execPath, [resolve(import.meta.dirname, '../src/main.ts'), file], {
    encoding: 'utf8',
  });
  expect(stdout).toContain(
    'loss at 2 a: was acknowledged, and is not there at the end\n1 jobs, 3 records, 1 violations',
  );
  expect(status).toBe(1);
});
