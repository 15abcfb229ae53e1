import { setTimeout as pause } from 'node:timers/promises';
import { uuidv7 } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { drained, patientClient, Runs } from '../../packages/cli/test/support/load.ts';
import { freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { historyErrors, invariantErrors } from '../../packages/server/test/storage/invariants.ts';
import { storages } from '../../packages/server/test/support/storages.ts';
import { storeProxy } from '../../packages/server/test/support/store-proxy.ts';
import { type Json, persist } from './persistent.ts';

const holeMs = 45_000;
const leaseMs = 5_000;
const probes = 10;
const remote = storages.filter(({ name }) => name === 'postgres' || name === 'redis');

interface Answer {
  readonly status: number | null;
  readonly body: Json;
}

/** One request, not repeated; status null where no answer came in time. */
async function once(url: string, path: string, body: object, ms: number): Promise<Answer> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ms),
    });
    return { status: response.status, body: (await response.json()) as Json };
  } catch {
    return { status: null, body: {} };
  }
}

const jobsIn = ({ body }: { readonly body: Json }) =>
  (body.jobs ?? []) as readonly { readonly id: string; readonly x_lease: string }[];
const fetchFrom = (queue: string, worker: string) => ({
  queues: [queue],
  worker_id: worker,
  visibility_timeout_ms: leaseMs,
});

test.concurrent.each(remote)(
  'a server cut off from its store for 45 s, $name, hands out no jobs, its late writes fail, and the other server continues',
  async ({ name, url }) => {
    const target = url();
    await using ending = new AsyncDisposableStack();
    const proxy = ending.use(await storeProxy(target));
    const [portA, portB] = [await freePort(), await freePort()];
    const [urlA, urlB] = [`http://127.0.0.1:${portA}`, `http://127.0.0.1:${portB}`];
    // One after the other: the first brings the layout.
    const nodeB = ending.use(await serveOn(target, portB));
    const nodeA = ending.use(await serveOn(proxy.url, portA));
    const client = ending.use(patientClient(urlB));
    const [cutOff, others] = [new Runs(), new Runs()];
    for (let worker = 0; worker < 2; worker++) {
      cutOff.work(urlA, 'load');
      others.work(urlB, 'load');
    }
    // A queue that only the cut-off server's worker takes from: of the others' jobs it may get none for long.
    cutOff.work(urlA, 'own');
    const acknowledged: string[] = [];
    let number = 0;
    let stop = false;
    const producing = Array.from({ length: 4 }, async () => {
      while (!stop) {
        const options = {
          queue: 'load',
          retry: { max_attempts: 20 },
          ...(number++ % 2 === 0 && { rate_limit: { key: 'tenant', concurrency: 8 } }),
        };
        const { body } = await persist(urlB, 'POST', '/ojs/v1/jobs', {
          id: uuidv7(),
          type: 'load.job',
          args: [0],
          options,
        });
        acknowledged.push((body.job as { readonly id: string }).id);
        await pause(40);
      }
    });
    await pause(3_000);
    const late = await client.enqueue('load.job', ['late'], { queue: 'late' });
    await client.enqueueBatch(Array.from({ length: probes }, () => ({ type: 'load.job', args: [], queue: 'probe' })));
    const [held] = jobsIn(await once(urlA, '/ojs/v1/workers/fetch', fetchFrom('late', 'one'), 5_000));
    expect(held?.id).toBe(late.id);
    const ack = (result: string) => ({ job_id: late.id, x_lease: held?.x_lease, result });

    const from = performance.now();
    // The store gets one more request, whose answer never comes: it may be in the middle of a transaction.
    await proxy.blackHole();
    const early = once(urlA, '/ojs/v1/workers/ack', ack('sent into the dark'), holeMs - 2_000);
    // Beyond what was under way when the way went dead.
    await pause(5_000);
    const silence = performance.now();
    const asked: Answer[] = [];
    const probing = (async () => {
      while (performance.now() < from + holeMs - 9_000) {
        asked.push(await once(urlA, '/ojs/v1/workers/fetch', fetchFrom('probe', 'prober'), 8_000));
        await pause(500);
      }
    })();
    // Its lease ends, and the other server hands it out.
    let again: { readonly id: string; readonly x_lease: string } | undefined;
    while (again === undefined) {
      [again] = jobsIn(await persist(urlB, 'POST', '/ojs/v1/workers/fetch', fetchFrom('late', 'two')));
      await pause(100);
    }
    const takenAfter = performance.now() - from;
    const done = await once(
      urlB,
      '/ojs/v1/workers/ack',
      { job_id: late.id, x_lease: again.x_lease, result: 'done elsewhere' },
      5_000,
    );
    expect(done.status).toBe(200);
    let longest = 0;
    for (let last = from; performance.now() < from + holeMs; await pause(20)) {
      last = Math.max(last, others.lastEnd);
      longest = Math.max(longest, performance.now() - last);
    }
    await probing;
    const startedByCutOff = cutOff.firstStartAfter(silence);
    expect(startedByCutOff).toBeNull();
    expect(asked.filter(({ status }) => status === 200)).toEqual([]);
    expect((await early).status).not.toBe(200);

    proxy.heal();
    const healed = performance.now();
    const own = await client.enqueue('load.job', ['own'], { queue: 'own' });
    const refused = await persist(urlA, 'POST', '/ojs/v1/workers/ack', ack('late'));
    expect(refused.status).toBe(409);
    const back = performance.now() - healed;
    while (!cutOff.starts.has(own.id)) await pause(20);
    const resumed = (cutOff.starts.get(own.id)?.[0]?.at ?? healed) - healed;
    // What was asked for into the dark may have been claimed late; it comes back by its lease.
    const probed = new Set<string>();
    while (probed.size < probes) {
      for (const { id, x_lease } of jobsIn(
        await persist(urlA, 'POST', '/ojs/v1/workers/fetch', fetchFrom('probe', 'last')),
      )) {
        expect((await persist(urlB, 'POST', '/ojs/v1/workers/ack', { job_id: id, x_lease })).status).toBe(200);
        probed.add(id);
      }
      await pause(20);
    }
    stop = true;
    await Promise.all(producing);
    await drained(client, 'load');
    await Promise.all([cutOff.stop(), others.stop()]);
    expect([nodeA.running, nodeB.running]).toEqual([true, true]);
    await ending.disposeAsync();

    await using storage = await openStorage(target);
    const records = await storage.jobs.get(acknowledged);
    const twice = acknowledged.filter(
      (id) => (cutOff.starts.get(id)?.length ?? 0) + (others.starts.get(id)?.length ?? 0) > 1,
    );
    console.log(
      `${name}: the others stood still for at most ${Math.round(longest)} ms, its job was elsewhere after ${Math.round(takenAfter)} ms, ` +
        `it answered ${Math.round(back)} ms and worked ${Math.round(resumed)} ms after the end; ${acknowledged.length} jobs, ${twice.length} run twice; ` +
        `statuses ${[...new Set(asked.map(({ status }) => status))]}`,
    );
    expect(records.filter((record) => record?.state !== State.completed)).toEqual([]);
    expect((await storage.jobs.get([late.id]))[0]?.result).toBe('"done elsewhere"');
    // Only what its workers held when it was cut off.
    expect(twice.length).toBeLessThanOrEqual(20);
    expect(longest).toBeLessThan(10_000);
    expect(resumed).toBeLessThan(15_000);
    expect(await historyErrors(storage, { holders: new Map(), limited: new Map(), slots: new Map() })).toEqual([]);
    expect(await invariantErrors(storage)).toEqual([]);
  },
);
