import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, startServer, writeBackup } from '@ojs-ts/server';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { jsonSchemas } from '../../../site/schemas.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const schemas = new Map([...jsonSchemas()].map(([name, text]) => [name, ajv.compile(JSON.parse(text))]));

/** The errors of a value by the published schema of this name; null if it has none. */
function errorsOf(name: string, value: unknown): unknown {
  const validate = schemas.get(`${name}.schema.json`);
  if (validate === undefined) throw new Error(`no schema ${name}`);
  return validate(value) ? null : validate.errors;
}

test('the published schemas accept what clients send, the server answers, and a backup contains', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-schemas-'));
  try {
    const storage = `sqlite:${join(folder, 'ojs.db')}`;
    const server = await startServer({ storage, port: 0, log: false });
    const send = async (method: string, path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/ojs/v1/${path}`, { method, headers, body: JSON.stringify(body) });
      const answered = JSON.parse(await answer.text());
      expect(answer.ok, JSON.stringify(answered)).toBe(true);
      return answered;
    };
    const request = {
      type: 'email.send',
      args: ['a@example.com'],
      options: { queue: 'email', retry: { max_attempts: 3 } },
    };
    expect(errorsOf('job-request', request)).toBeNull();
    const { job } = await send('POST', 'jobs', request);
    expect(errorsOf('job', job)).toBeNull();
    const settings = { concurrency: 5, max_size: 100, rate_limit: { limit: 10, period: 'PT1S' } };
    expect(errorsOf('queue-config', settings)).toBeNull();
    await send('PUT', 'queues/email/config', settings);
    await send('POST', 'workflows', { type: 'chain', name: 'one', steps: [{ type: 'email.send', args: [] }] });
    await server.close();

    const file = join(folder, 'backup.ndjson');
    await using opened = await openStorage(storage, { events: true });
    await writeBackup(opened, file);
    const lines = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['store', 'queue', 'job', 'workflow', 'end']));
    for (const line of lines) expect(errorsOf('backup', line), JSON.stringify(line)).toBeNull();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ['job-request', { type: 'email.send' }],
  ['job', { id: 1 }],
  ['queue-config', { concurrency: -1 }],
  ['backup', { kind: 'job', record: {} }],
])('the published schema %s refuses a value that is none', (name, value) => {
  expect(errorsOf(name, value)).not.toBeNull();
});
