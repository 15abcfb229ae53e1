import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Client, Worker } from '../../packages/sdk/src/index.ts';
import { keepingLogger } from '../../packages/sdk/test/support/log.ts';
import { run } from '../../packages/sdk/test/support/process.ts';

test('a handler that blocks the event loop for 60 s keeps its lease, with the defaults', async () => {
  await using server = await startServer({ storage: 'memory:', port: 0, log: false });
  await using client = new Client(server.url);
  await using program = run('blocking.ts', server.url, 'thread', '30000', '5000');
  await program.says('debug heartbeat thread started');
  await program.says('ready');
  const job = await client.enqueue('block.job', [60_000]);
  await program.says('began');
  const taken: string[] = [];
  const rival = new Worker(server.url, { handleSignals: false, logger: keepingLogger() });
  rival.register('block.job', ({ jobId }) => void taken.push(jobId));
  const outcome = await rival.runUntil(() => job.wait({ timeout: '120s' }).catch(String));
  // The lines tell a lost lease (a second `began`) from an outcome that did not arrive.
  expect({
    outcome,
    taken,
    lines: program.lines.map((line) => line.split(' ')[0]).filter((word) => word !== 'debug'),
  }).toEqual({ outcome: 'blocked', taken: [], lines: ['ready', 'began', 'ended'] });
  expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
});
