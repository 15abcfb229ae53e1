import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { Client } from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';

const program = join(resolve(import.meta.dirname, '../..'), 'examples/python/steps_worker.py');
/** Debian's, which has the package python3-httpx. */
const python = process.env.OJS_PYTHON ?? '/usr/bin/python3';

/** A worker in Python, with everything that it has printed. */
class PythonWorker implements AsyncDisposable {
  readonly #process: ChildProcess;
  printed = '';

  constructor(url: string) {
    const env = { ...process.env, OJS_BACKEND_URL: url };
    this.#process = spawn(python, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, 'exit');
    if (this.#process.kill('SIGKILL')) await exited;
  }
}

test('a worker in Python sleeps between its steps, and after its death another one continues', async () => {
  await using server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  await using client = new Client(server.url);
  const job = await client.enqueue('order.pay', ['o-17']);
  const first = new PythonWorker(server.url);
  await expect.poll(async () => (await job.refresh()).state, { timeout: 20_000 }).toBe('retryable');
  await first[Symbol.asyncDispose]();
  expect(first.printed).toBe('the handler starts\ncharging\n');
  await using second = new PythonWorker(server.url);
  expect(await job.wait({ timeout: '30s' })).toBe('receipt of o-17');
  expect(second.printed).toBe('the handler starts\nshipping\n');
});
