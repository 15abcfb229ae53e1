import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../openapi');
const installed = resolve(import.meta.dirname, '../node_modules');
const run = promisify(execFile);
const node = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  run(process.execPath, args, { cwd: folder, env });

test('a client that is generated from the document type-checks, enqueues, lists and pauses', async () => {
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  const generated = join(folder, 'generated');
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated);
  const document = `${server.url}/ojs/v1/openapi.json`;
  await node([join(installed, 'openapi-typescript/bin/cli.js'), document, '-o', join(generated, 'ojs.d.ts')]);
  await node([join(installed, 'typescript/bin/tsc'), '-p', folder]);
  const { stdout } = await node(['client.ts'], { ...process.env, OJS_BACKEND_URL: server.url });
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^Enqueued [0-9a-f-]{36}, which is available\.$/),
    'Queue email has 1 job, of type email.send.',
    'Queue email is paused.',
    'There is no queue none.',
  ]);
});
