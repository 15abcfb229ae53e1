import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, type Call, latestOf, type Transport } from '@ojs-ts/core';
import { openEmbedded } from '@ojs-ts/server';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Client, chain } from '../../src/index.ts';

const hour = 3_600_000;

/** The wall clock of the client goes wrong; that of the server, which the transport asks for, stays right. */
function wrongBy(ms: number): void {
  const { now } = Date;
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  onTestFinished(() => spy.mockRestore());
}

/** Notes the bodies of calls; the first enqueue loses its answer where asked. */
class Noting implements Transport {
  readonly bodies: string[] = [];
  readonly #answer: (call: Call) => Promise<Answer>;
  lose = 0;

  constructor(answer: (call: Call) => Promise<Answer>) {
    this.#answer = answer;
  }

  async call(call: Call): Promise<Answer> {
    const answer = await this.#answer(call);
    if (call.body === undefined) return answer;
    this.bodies.push(call.body);
    if (this.lose-- > 0) throw new Error('the answer was lost');
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const delayed = { type: 'a.b', args: [], delay: '10m' } as const;

test('a server that announces relative times gets durations: enqueue, batch and bulk', async () => {
  await using server = await openEmbedded('memory:');
  const transport = new Noting((call) => server.call(call));
  const client = new Client(transport);
  const { engine } = server;
  // The engine does not follow a step for a minute, so its clock is right.
  wrongBy(hour);
  const due = async (id: string) => (await engine.jobs.get(id))?.runAt ?? 0;
  const before = engine.clock.now();
  const one = await client.enqueue('a.b', [], { delay: '10m' });
  const batch = await client.enqueueBatch([delayed, delayed]);
  const merged = await Promise.all([1, 2, 3].map((n) => client.enqueue('a.b', [n], { delay: '10m' })));
  for (const { id } of [one, ...batch, ...merged]) {
    expect(await due(id)).toBeGreaterThanOrEqual(before + 600_000);
    expect(await due(id)).toBeLessThanOrEqual(latestOf(engine.clock) + 600_000);
  }
  for (const body of transport.bodies) expect(body).toContain('"delay_until":"+PT10M"');
});

test('a repeated call sends the same value, and the job keeps its time', async () => {
  await using server = await openEmbedded('memory:');
  const transport = new Noting((call) => server.call(call));
  const client = new Client(transport, { requestRetry: { minBackoff: 30, maxBackoff: 30 } });
  transport.lose = 1;
  const job = await client.enqueue('a.b', [], { delay: '10m' });
  expect(transport.bodies).toHaveLength(2);
  expect(new Set(transport.bodies).size).toBe(1);
  const stored = await server.engine.jobs.get(job.id);
  // A delay counts from the latest time that the store may have, up to some milliseconds after the job's creation.
  expect(stored?.runAt).toBeGreaterThanOrEqual((stored?.createdAt ?? 0) + 600_000);
  expect(stored?.runAt).toBeLessThanOrEqual(latestOf(server.engine.clock) + 600_000);
  expect(job.scheduledAt?.getTime()).toBe(stored?.runAt);
});

/** A server of another make: it takes times only. Its clock is right, and only its `Date` tells so. */
async function foreign() {
  const { now } = Date;
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (body !== '') bodies.push(body);
    const job = body === '' ? {} : JSON.parse(body);
    response.setHeader('content-type', 'application/json').setHeader('date', new Date(now()).toUTCString());
    response.statusCode = request.method === 'POST' ? 201 : 200;
    response.end(
      JSON.stringify(request.method === 'POST' ? { job: { ...job, state: 'scheduled' } } : { specversion: '1.0' }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const until = (index: number) => {
    const { options } = JSON.parse(bodies[index] ?? '{}');
    return Date.parse(options.delay_until) - now();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, until };
}

test.each([hour, -hour])('another server gets times by its own clock, the client being %i ms ahead', async (ms) => {
  const server = await foreign();
  wrongBy(ms);
  await using client = new Client(server.url, { coalesce: false });
  await client.enqueue('a.b', [], { delay: '10m' });
  // Date has whole seconds.
  expect(Math.abs(server.until(0) - 600_000)).toBeLessThan(3_000);
});

test('a clock that is right is left alone', async () => {
  const server = await foreign();
  await using client = new Client(server.url, { coalesce: false });
  const before = Date.now();
  const job = await client.enqueue('a.b', [], { delay: '10m' });
  expect(job.id).toBeTypeOf('string');
  expect(server.until(0)).toBeLessThanOrEqual(600_000);
  expect(server.until(0)).toBeGreaterThanOrEqual(600_000 - (Date.now() - before) - 1);
});

test('in a workflow a delay counts from its start, by the clock of the server', async () => {
  await using server = await openEmbedded('memory:');
  const transport = new Noting((call) => server.call(call));
  const client = new Client(transport);
  const right = server.engine.clock.now();
  wrongBy(hour);
  await client.workflow(chain('two', [delayed, delayed]));
  const { steps }: { readonly steps: readonly { readonly options: { readonly delay_until: string } }[] } = JSON.parse(
    transport.bodies[0] ?? '',
  );
  for (const { options } of steps)
    expect(Math.abs(Date.parse(options.delay_until) - right - 600_000)).toBeLessThan(3_000);
});
