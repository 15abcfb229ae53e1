import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startServer } from '@ojs-ts/server';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../src/index.ts';

const program = fileURLToPath(new URL('../support/signalled.ts', import.meta.url));
const server = await startServer({ storage: 'memory:', port: 0, log: false });
const client = new Client(server.url);
afterAll(async () => {
  await client.close();
  await server.close();
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** The process, and the lines that it says. */
async function open() {
  const child: ChildProcess = spawn(process.execPath, [program, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  if (child.stdout === null) throw new Error('no stdout');
  const lines: string[] = [];
  let wake = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  const exit = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal }));
  const says = async (word: string) => {
    while (!lines.includes(word)) await new Promise<void>((resolve) => (wake = resolve));
  };
  await says('ready');
  return { child, lines, exit, says };
}

describe('signals (ojs-worker-protocol §7)', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s drains every worker of the process; the handlers go with the last',
    async (signal) => {
      const { child, lines, exit, says } = await open();
      const jobs = await Promise.all(['one', 'two'].map((queue) => client.enqueue('sleep.job', [120], { queue })));
      while (lines.filter((line) => line === 'began').length < 2)
        await says('began').then(() => new Promise((resolve) => setImmediate(resolve)));
      child.kill(signal);
      expect(await exit).toEqual({ code: 0, signal: null });
      expect(lines).toContain('terminate,terminate');
      expect(lines.filter((line) => line === 'ended')).toHaveLength(2);
      expect(lines.slice(-2)).toEqual(['settled', 'listeners:0']);
      for (const job of jobs) expect(await job.refresh()).toMatchObject({ state: 'completed' });
    },
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s ends the process at once with %i', async (signal, code) => {
    const { child, lines, exit, says } = await open();
    const job = await client.enqueue('sleep.job', [60_000], { queue: 'one' });
    await says('began');
    child.kill('SIGTERM');
    await says('terminate,terminate');
    child.kill(signal);
    expect(await exit).toEqual({ code, signal: null });
    expect(lines).not.toContain('settled');
    await client.cancelJob(job.id);
  });

  test('SIGTSTP makes quiet, SIGCONT goes on', async () => {
    const { child, lines, exit, says } = await open();
    child.kill('SIGTSTP');
    await says('quiet,quiet');
    const job = await client.enqueue('sleep.job', [1], { queue: 'one' });
    // The fetch that was broken off may have claimed it just before; then it goes back, uncounted.
    await vi.waitFor(async () => expect(await job.refresh()).toMatchObject({ state: 'available', attempt: 0 }), 60_000);
    expect(lines).not.toContain('began');
    lines.length = 0;
    child.kill('SIGCONT');
    await says('running,running');
    await job.wait();
    child.kill('SIGTERM');
    expect(await exit).toEqual({ code: 0, signal: null });
  });
});
