import { Agent } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { newId } from '../support/ids.ts';
import { call, open, send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

function post(path: string, body: unknown) {
  return { method: 'POST', path: `/ojs/v1${path}`, body: JSON.stringify(body) };
}

async function stateOf(server: RunningServer, id: string): Promise<string> {
  const { body } = await call<{ job: { state: string } }>(server.url, `/jobs/${id}`);
  return body.job.state;
}

describe.each(storages)('claims whose caller disconnected, $name', (storage) => {
  /** A fetch on a socket of its own that is closed while the claim is under way. */
  async function fetchAndLeave(server: RunningServer, fetch: object): Promise<string> {
    const id = newId();
    await call(server.url, '/jobs', { id, type: 'a.b', args: [] });
    const { jobs } = server.engine.storage;
    const claim = jobs.claim.bind(jobs);
    const socket = await open(server.url);
    const claimed = new Promise<void>((resolve) => {
      jobs.claim = async (claims, now) => {
        const answer = await claim(claims, now);
        const closed = new Promise((done) => socket.once('close', done));
        socket.resetAndDestroy();
        await closed;
        // The server learns of it in a later turn of its event loop; a call of another connection takes longer.
        await call(server.url, '/health');
        resolve();
        return answer;
      };
    });
    const body = JSON.stringify({ queues: ['default'], worker_id: 'w1', ...fetch });
    socket.write(
      `POST /ojs/v1/workers/fetch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await claimed;
    jobs.claim = claim;
    return id;
  }

  test('are undone, the attempt not counted', async () => {
    await using server = await serve({ storage: storage.url() });
    const id = await fetchAndLeave(server, {});
    await expect.poll(() => stateOf(server, id)).toBe('available');
    const { body } = await call(server.url, '/workers/fetch', { queues: ['default'] });
    expect(body).toMatchObject({ jobs: [{ id, attempt: 1 }] });
  });

  test('stay where the fetch can be repeated by its request_id', async () => {
    await using server = await serve({ storage: storage.url() });
    const id = await fetchAndLeave(server, { request_id: 'r-1' });
    await call(server.url, '/health');
    expect(await stateOf(server, id)).toBe('active');
    const { body } = await call(server.url, '/workers/fetch', {
      queues: ['default'],
      worker_id: 'w1',
      request_id: 'r-1',
    });
    expect(body).toMatchObject({ jobs: [{ id, attempt: 1 }] });
  });

  test('a long poll whose caller disconnected claims nothing', async () => {
    await using server = await serve({ storage: storage.url() });
    const socket = await open(server.url);
    const body = JSON.stringify({ queues: ['default'], wait_ms: 60_000 });
    socket.write(
      `POST /ojs/v1/workers/fetch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await call(server.url, '/health');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
    await call(server.url, '/health');
    const id = newId();
    await call(server.url, '/jobs', { id, type: 'a.b', args: [] });
    // The claim before the wait may still be on its way to the store; what it gets is given back.
    await expect.poll(() => stateOf(server, id)).toBe('available');
  });
});

describe('close()', () => {
  test('answers requests in flight and long polls, refuses new connections, and closes the store', async () => {
    const server = await serve();
    const agent = new Agent({ keepAlive: true });
    const poll = send(server.url, post('/workers/fetch', { queues: ['q'], wait_ms: 60_000 }), { agent });
    const { jobs } = server.engine.storage;
    const insert = jobs.insert.bind(jobs);
    let proceed = () => {};
    const inserting = new Promise<void>((resolve) => {
      jobs.insert = async (groups, now) => {
        resolve();
        await new Promise<void>((go) => {
          proceed = go;
        });
        return insert(groups, now);
      };
    });
    const enqueue = send(server.url, post('/jobs', { type: 'a.b', args: [] }), { agent });
    await inserting;
    const started = performance.now();
    const closed = server.close();
    expect(server.close()).toBe(closed);
    expect(await poll).toMatchObject({ status: 200, text: '{"jobs":[]}', headers: { connection: 'close' } });
    await expect(open(server.url)).rejects.toThrow(/ECONNREFUSED/);
    proceed();
    expect(await enqueue).toMatchObject({ status: 201, headers: { connection: 'close' } });
    await closed;
    // Connections that are kept alive must not hold up the end until they are cut, after 10 s.
    expect(performance.now() - started).toBeLessThan(9_000);
    await expect(server.engine.storage.ping()).rejects.toThrow(/closed/);
    agent.destroy();
  });

  test('cuts off what does not end in time', async () => {
    const server = await serve({ closeTimeoutMs: 100 });
    const socket = await open(server.url);
    socket.write('POST /ojs/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{');
    socket.on('error', () => {});
    const cut = new Promise((resolve) => socket.once('close', resolve));
    await call(server.url, '/health');
    await server.close();
    await cut;
  });
});
