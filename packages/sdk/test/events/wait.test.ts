import { beforeEach, expect, test } from 'vitest';
import { Client, JobFailedError, JobNotFoundError, OJSConnectionError, OJSTimeoutError } from '../../src/index.ts';
import { benchOfEachTest, gate } from '../support/bench.ts';
import { refusal } from '../support/faulty.ts';

const bench = benchOfEachTest();
let client: Client;
beforeEach(() => {
  client = new Client(bench.wire, { requestRetry: { maxRetries: 1, minBackoff: 1, maxBackoff: 1 } });
});

/** A job whose handler waits until it is let go. */
async function running() {
  const open = gate<unknown>();
  const handle = await client.enqueue('test.job', []);
  const worker = bench.worker().register('test.job', () => open.opened);
  void worker.start();
  return { handle, open };
}

test('a wait survives an outage shorter than the timeout of a call and rejects after a longer one', async () => {
  const { handle, open } = await running();
  for (let n = 0; n < 4; n++) bench.wire.spoil('job.results', 'before');
  const waited = handle.wait();
  await bench.wire.until(() => bench.wire.of('job.results').length === 5);
  open.open(9);
  expect(await waited).toBe(9);
  const hasty = new Client(bench.wire, { timeout: 2_000, requestRetry: false });
  const other = await hasty.enqueue('other.job', []);
  for (let n = 0; n < 1_000; n++) bench.wire.spoil('job.results', 'before');
  await expect(other.wait()).rejects.toBeInstanceOf(OJSConnectionError);
  expect(bench.wire.of('job.results').length).toBeGreaterThan(6);
});

test('a wait rejects for an unknown job, a cancelled job and a deadline', async () => {
  const { handle } = await running();
  const waited = expect(handle.wait()).rejects.toBeInstanceOf(JobFailedError);
  await expect(handle.wait({ timeout: 20 })).rejects.toBeInstanceOf(OJSTimeoutError);
  await handle.cancel();
  await waited;
  await expect((await client.getJob(handle.id)).wait()).rejects.toMatchObject({
    job: { state: 'cancelled' },
    errors: [],
  });
  bench.wire.spoil('job.get', refusal(404, { error: { code: 'not_found', message: 'gone' } }));
  await expect(handle.wait()).rejects.toBeInstanceOf(JobNotFoundError);
});
