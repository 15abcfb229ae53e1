import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client, JobFailedError, JobNotFoundError, OJSConnectionError, OJSTimeoutError } from '../src/index.ts';
import { type Bench, gate, openBench } from './support/bench.ts';
import { refusal } from './support/faulty.ts';

let bench: Bench;
let client: Client;
beforeEach(async () => {
  bench = await openBench();
  client = new Client(bench.wire, { requestRetry: { maxRetries: 1, minBackoff: 1, maxBackoff: 1 } });
});
afterEach(() => bench[Symbol.asyncDispose]());

/** A job whose handler waits until it is let go. */
async function running() {
  const open = gate<unknown>();
  const handle = await client.enqueue('test.job', []);
  const worker = bench.worker().register('test.job', () => open.opened);
  void worker.start();
  return { handle, open };
}

test('the server holds the request until the job has ended: two reads and one long poll', async () => {
  const { handle, open } = await running();
  const waited = handle.wait();
  await bench.wire.until(() => bench.wire.of('job.result').length === 1);
  open.open({ done: true });
  expect(await waited).toEqual({ done: true });
  expect(bench.wire.of('job.get')).toHaveLength(2);
  expect(bench.wire.of('job.result')).toHaveLength(1);
  expect(await handle.wait()).toEqual({ done: true });
});

test.each([
  ['without the route', refusal(404, '<html>', {})],
  ['that says so', refusal(404, { error: { code: 'not_found', message: 'no such route' } })],
  ['that answers at once', { status: 202, text: '{"state":"active","result":null}', headers: {} }],
])('a server %s is asked again and again instead', async (_, answer) => {
  const { handle, open } = await running();
  bench.wire.spoil('job.result', answer);
  const waited = handle.wait();
  await bench.wire.until(() => bench.wire.of('job.get').length === 2);
  open.open(7);
  expect(await waited).toBe(7);
  expect(bench.wire.of('job.result')).toHaveLength(1);
});

test('the end of one long poll begins the next; a pruned result leaves the job’s own word', async () => {
  const { handle, open } = await running();
  bench.wire.spoil('job.result', refusal(408, { error: { code: 'result_pending', message: 'still' } }));
  bench.wire.spoil('job.result', async () => {
    open.open(8);
    return refusal(410, { error: { code: 'result_pruned', message: 'gone' } });
  });
  expect(await handle.wait()).toBe(8);
  expect(bench.wire.of('job.result').length).toBeGreaterThanOrEqual(2);
});

test('an outage shorter than the timeout of a call is waited out, a longer one is told', async () => {
  const { handle, open } = await running();
  for (let n = 0; n < 4; n++) bench.wire.spoil('job.get', 'before');
  const waited = handle.wait();
  await bench.wire.until(() => bench.wire.of('job.get').length === 5);
  open.open(9);
  expect(await waited).toBe(9);
  const hasty = new Client(bench.wire, { timeout: 200, requestRetry: false });
  const other = await hasty.enqueue('other.job', []);
  for (let n = 0; n < 1_000; n++) bench.wire.spoil('job.get', 'before');
  await expect(other.wait()).rejects.toBeInstanceOf(OJSConnectionError);
  expect(bench.wire.of('job.get').length).toBeGreaterThan(8);
});

test('a job that nobody knows, one that was cancelled meanwhile, a deadline', async () => {
  const { handle } = await running();
  const waited = handle.wait();
  await expect(handle.wait({ timeout: 20 })).rejects.toBeInstanceOf(OJSTimeoutError);
  await handle.cancel();
  await expect(waited).rejects.toBeInstanceOf(JobFailedError);
  await expect((await client.getJob(handle.id)).wait()).rejects.toMatchObject({ job: { state: 'cancelled' }, errors: [] });
  bench.wire.spoil('job.get', refusal(404, { error: { code: 'not_found', message: 'gone' } }));
  await expect(handle.wait()).rejects.toBeInstanceOf(JobNotFoundError);
});
