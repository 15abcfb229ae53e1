import { describe, expect, test } from 'vitest';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Beaten {
  readonly server_time: string;
  readonly jobs_extended: readonly string[];
  readonly jobs_cancelled: readonly string[];
}

async function beat({ url }: ClockedServer, more: object = {}): Promise<Beaten> {
  return (await call<Beaten>(url, '/workers/heartbeat', { worker_id: 'w1', active_jobs: [], leases: {}, ...more }))
    .body;
}

/** A job that the fetch `r1` of w1 has claimed; its answer is thrown away. */
async function claimed({ url }: ClockedServer): Promise<string> {
  const { id } = (await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [] })).body;
  const fetch = { queues: ['default'], worker_id: 'w1', request_id: 'r1', leases: true, visibility_timeout_ms: 30_000 };
  expect((await call<{ jobs: object[] }>(url, '/workers/fetch', fetch)).body.jobs).toMatchObject([{ id }]);
  return id;
}

async function stateAfter({ bench }: ClockedServer, id: string): Promise<string> {
  await bench.engine.upkeep.run();
  return (await bench.engine.jobs.get(id))?.state === 8 ? 'active' : 'available';
}

describe.each(storages)('fetches that a worker waits for, on $name', ({ url }) => {
  test('a claim of a fetch that heartbeats name is kept and extended; it is lost once they do not name it', async () => {
    await using server = await serveClocked(url());
    const { clock, get } = server.bench;
    const id = await claimed(server);
    let last: Beaten | undefined;
    const next = async (open_fetches: readonly string[], more: object = {}) => {
      clock.advance(5_000);
      last = await beat(server, { open_fetches, last_server_time: last?.server_time, ...more });
      return await stateAfter(server, id);
    };
    for (let times = 0; times < 10; times++) expect(await next(['r0', 'r1'])).toBe('active');
    expect(last).toMatchObject({ jobs_extended: [id], jobs_cancelled: [] });
    expect((await get(id)).leaseUntil).toBe(clock.now() + 30_000);
    // The first of them comes before the pass that finds the claim unlisted.
    for (let times = 0; times < 2; times++) expect(await next([])).toBe('active');
    expect(await next([])).toBe('available');
    expect(await get(id)).toMatchObject({ attempt: 0 });
    // The worker has not listed it, so it hears nothing of the loss.
    expect(await beat(server, { open_fetches: ['r1'] })).toMatchObject({ jobs_extended: [], jobs_cancelled: [] });
  });

  test('a job that a worker has lost and got again by an open fetch is lost as it lists it', async () => {
    await using server = await serveClocked(url());
    const { clock } = server.bench;
    const id = await claimed(server);
    const { leases } = server.bench.engine;
    clock.advance(31_000);
    await server.bench.engine.upkeep.run();
    const fetch = { queues: ['default'], worker_id: 'w1', request_id: 'r2', leases: true };
    expect((await call<{ jobs: object[] }>(server.url, '/workers/fetch', fetch)).body.jobs).toMatchObject([{ id }]);
    const first = { active_jobs: [id], leases: { [id]: leases.of({ id, claim: 1 }) }, open_fetches: ['r2'] };
    expect(await beat(server, first)).toMatchObject({ jobs_extended: [], jobs_cancelled: [id] });
    expect(await beat(server, { open_fetches: ['r2'] })).toMatchObject({ jobs_extended: [id], jobs_cancelled: [] });
  });

  test('the name of another worker’s fetch keeps nothing', async () => {
    await using server = await serveClocked(url());
    const id = await claimed(server);
    server.bench.clock.advance(5_000);
    expect(await beat(server, { worker_id: 'w2', open_fetches: ['r1'] })).toMatchObject({ jobs_extended: [] });
    expect(await stateAfter(server, id)).toBe('active');
  });

  test('heartbeats from before a fetch that arrive after it say nothing of its claims, however many', async () => {
    await using server = await serveClocked(url());
    const { clock } = server.bench;
    const { server_time } = await beat(server, { open_fetches: [] });
    clock.advance(5_000);
    const id = await claimed(server);
    for (let times = 0; times < 4; times++) {
      clock.advance(5_000);
      await beat(server, { open_fetches: [], last_server_time: server_time });
      expect(await stateAfter(server, id)).toBe('active');
    }
    const later = await beat(server, { open_fetches: [], last_server_time: server_time });
    clock.advance(5_000);
    await beat(server, { open_fetches: [], last_server_time: later.server_time });
    expect(await stateAfter(server, id)).toBe('available');
  });
});
