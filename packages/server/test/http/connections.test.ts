import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type ConnectionLimits, Connections, graceMs, logEveryMs, pressedIdleMs } from '../../src/http/connections.ts';
import { proxyList } from '../../src/http/proxies.ts';
import { selfSigned } from '../support/certificate.ts';
import { serveClocked } from '../support/clocked.ts';
import { open, parseResponse, send } from '../support/request.ts';
import { storages } from '../support/storages.ts';

/** Connections with a clock that only the test moves. */
function connections(limits: Partial<ConnectionLimits> = {}) {
  let now = 0;
  const lines: object[] = [];
  const closed: string[] = [];
  const all = new Connections(
    { all: 10, perAddress: 100, proxies: null, hasTokens: () => false, ...limits },
    (fields, message) => lines.push({ message, ...fields }),
    () => now,
  );
  return {
    all,
    lines,
    closed,
    advance: (ms: number) => {
      now += ms;
    },
    open: (name: string, from = '10.0.0.1') => all.open(from, () => closed.push(name)),
  };
}

describe('connections', () => {
  test('beyond all are refused while none has been idle for long, then the longest idle makes room', () => {
    const { all, open, closed, advance } = connections({ all: 2 });
    const first = open('first');
    advance(graceMs - 1);
    open('second');
    expect(open('third')).toBe(null);
    advance(1);
    expect(open('fourth')).not.toBe(null);
    expect(closed).toEqual(['first']);
    expect(first?.isOpen).toBe(false);
    expect(all.count).toBe(2);
  });

  test('with a request under way are not closed, and are idle anew after the answer', () => {
    const { all, open, closed, advance } = connections({ all: 2 });
    const busy = open('busy');
    const idle = open('idle');
    if (busy === null || idle === null) throw new Error('There was no room.');
    all.began(busy);
    advance(graceMs);
    expect(open('third')).not.toBe(null);
    expect(closed).toEqual(['idle']);
    all.ended(busy);
    advance(graceMs);
    open('fourth');
    expect(closed).toEqual(['idle', 'third']);
  });

  test('of one address have a limit of their own; those of a proxy and those that proved a token have none', () => {
    const { all, open, closed, advance } = connections({
      perAddress: 2,
      all: 100,
      proxies: proxyList(['10.9.0.0/16']),
    });
    const [proven] = ['a', 'b'].map((name) => open(name));
    expect(open('c')).toBe(null);
    expect(open('d', '10.0.0.2')).not.toBe(null);
    for (let index = 0; index < 20; index++) expect(open('proxied', '::ffff:10.9.8.7')).not.toBe(null);
    if (proven == null) throw new Error('There was no room.');
    all.prove(proven);
    expect(open('e')).not.toBe(null);
    expect(open('f')).toBe(null);
    advance(graceMs);
    expect(open('g')).not.toBe(null);
    // The longest idle of that address, not of all.
    expect(closed).toEqual(['b']);
  });

  test('that have proven a token are never closed, and a new one comes from the reserve until it proves one', () => {
    const { all, open, closed, advance } = connections({ all: 10, hasTokens: () => true });
    for (let index = 0; index < 10; index++) {
      const connection = open(`proven ${index}`);
      if (connection !== null) all.prove(connection);
    }
    advance(1_000_000);
    const reserved = open('reserved');
    expect(reserved?.onProbation).toBe(true);
    expect(open('no reserve left')).toBe(null);
    advance(graceMs);
    const next = open('next');
    expect(closed).toEqual(['reserved']);
    expect(next?.onProbation).toBe(true);
    if (next === null) throw new Error('There was no room.');
    all.prove(next);
    expect(next.onProbation).toBe(false);
    advance(1_000_000);
    expect(open('all are proven')).toBe(null);
    all.closed(next);
    expect(open('room again')?.onProbation).toBe(true);
    expect(closed).toEqual(['reserved']);
  });

  test('may be idle for a short time only under pressure', () => {
    const { all, open, closed, advance } = connections({ all: 10 });
    for (let index = 0; index < 8; index++) open(`${index}`);
    advance(pressedIdleMs);
    all.sweep();
    expect(closed).toEqual([]);
    open('8');
    open('9');
    all.sweep();
    expect(closed).toEqual(['0', '1']);
    advance(pressedIdleMs);
    all.sweep();
    expect(closed).toEqual(['0', '1']);
  });

  test('that meet a limit are logged at most every 10 s, with what became of them', () => {
    const { all, open, lines, advance } = connections({ all: 1 });
    open('first');
    for (let index = 0; index < 5; index++) open('refused');
    expect(lines).toEqual([
      { message: 'connection limit reached', limit: 'all', most: 1, open: 1, closed: 0, from_reserve: 0, refused: 1 },
    ]);
    advance(logEveryMs);
    all.sweep();
    expect(lines.slice(1)).toEqual([expect.objectContaining({ closed: 0, refused: 4 })]);
    advance(logEveryMs);
    all.sweep();
    expect(lines).toHaveLength(2);
    const byAddress = connections({ perAddress: 1 });
    byAddress.open('first', '10.1.1.1');
    byAddress.open('second', '10.1.1.1');
    expect(byAddress.lines).toEqual([
      expect.objectContaining({ limit: 'address', most: 1, address: '10.1.1.1', refused: 1 }),
    ]);
  });

  test('leave nothing behind', () => {
    const { all, open } = connections({ all: 2, perAddress: 2 });
    for (let round = 0; round < 100; round++) {
      const connection = open('one', `10.0.0.${round % 2}`);
      if (connection === null) throw new Error('There was no room.');
      all.began(connection);
      all.closed(connection);
      all.ended(connection);
      // The token of a login that was slowed, of a client that has left.
      all.prove(connection);
      all.closed(connection);
    }
    expect(all.count).toBe(0);
    expect([open('one'), open('two'), open('three')].map((one) => one !== null)).toEqual([true, true, false]);
  });
});

/** One request on a socket that stays open, up to the end of the answer's headers and body. */
async function ask(socket: Socket, path: string, token?: string): Promise<string> {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  const answered = new Promise<string>((resolve) => {
    let text = '';
    const done = () => {
      socket.off('data', read);
      socket.off('close', done);
      resolve(text);
    };
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const { headers, text: body } = parseResponse(text);
      if (text.includes('\r\n\r\n') && body.length >= Number(headers['content-length'])) done();
    };
    socket.on('data', read);
    socket.once('close', done);
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${authorization}\r\n`);
  return answered;
}

async function quiet(url: string): Promise<Socket> {
  const socket = await open(url);
  socket.on('error', () => {});
  return socket;
}

describe('a server whose connections are taken by idle ones of one address', () => {
  const token = 'worker-secret';
  const [memory] = storages;

  test('lets clients with a token in, keeps theirs, and logs the limit', async () => {
    await using server = await serveClocked(memory?.url() ?? '', {}, { tokens: [`work:${token}`], maxConnections: 20 });
    using sockets = new DisposableStack();
    const connected = async () => sockets.adopt(await quiet(server.url), (socket) => socket.destroy());
    const proven = await connected();
    expect(parseResponse(await ask(proven, '/ojs/v1/queues', token)).status).toBe(200);
    for (let index = 0; index < 19; index++) {
      expect(parseResponse(await ask(await connected(), '/ojs/manifest')).headers.connection).toBe('keep-alive');
    }
    const client = await connected();
    const answer = parseResponse(await ask(client, '/ojs/v1/queues', token));
    expect([answer.status, answer.headers.connection]).toEqual([200, 'keep-alive']);
    for (const wrong of [undefined, 'wrong-secret']) {
      const refused = parseResponse(await ask(await connected(), '/ojs/v1/queues', wrong));
      expect([refused.status, refused.headers.connection]).toEqual([401, 'close']);
    }
    const probe = parseResponse(await ask(await connected(), '/health'));
    expect([probe.status, probe.headers.connection]).toEqual([200, 'close']);
    for (const known of [proven, client])
      expect(parseResponse(await ask(known, '/ojs/v1/queues', token)).status).toBe(200);
    expect(server.lines).toContainEqual(expect.objectContaining({ message: 'connection limit reached', limit: 'all' }));
  });

  test('without tokens closes the longest idle ones for whoever comes', async () => {
    await using server = await serveClocked(memory?.url() ?? '', {}, { maxConnections: 5 });
    using sockets = new DisposableStack();
    for (let index = 0; index < 5; index++)
      await ask(
        sockets.adopt(await quiet(server.url), (socket) => socket.destroy()),
        '/ojs/manifest',
      );
    const status = async () => (await send(server.url, { path: '/health' }).catch(() => ({ status: 0 }))).status;
    expect(await status()).toBe(0);
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
    expect(server.lines).toContainEqual(expect.objectContaining({ limit: 'all', refused: 1 }));
  });

  test('has room for other addresses beyond the limit of that one', async () => {
    await using server = await serveClocked(memory?.url() ?? '', {}, { maxConnectionsPerAddress: 3 });
    using sockets = new DisposableStack();
    const from = (localAddress: string) =>
      new Promise<Socket>((resolve) => {
        const { hostname: host, port } = new URL(server.url);
        const socket = connect({ host, port: Number(port), localAddress }, () => resolve(socket));
        socket.on('error', () => {});
        sockets.defer(() => socket.destroy());
      });
    for (let index = 0; index < 3; index++) expect(await ask(await from('127.0.0.1'), '/ojs/manifest')).not.toBe('');
    expect(await ask(await from('127.0.0.1'), '/ojs/manifest')).toBe('');
    expect(await ask(await from('127.0.0.2'), '/ojs/manifest')).toMatch(/^HTTP\/1\.1 200/);
    expect(server.lines).toEqual([expect.objectContaining({ limit: 'address', address: '127.0.0.1', refused: 1 })]);
  });

  test('behind a proxy has no limit by address, and takes the client from X-Forwarded-For', async () => {
    const options = { maxConnectionsPerAddress: 1, proxies: ['127.0.0.1'], requestRate: '1/1h' };
    await using server = await serveClocked(memory?.url() ?? '', {}, options);
    using sockets = new DisposableStack();
    for (let index = 0; index < 5; index++)
      expect(
        await ask(
          sockets.adopt(await quiet(server.url), (one) => one.destroy()),
          '/health',
        ),
      ).not.toBe('');
    const as = async (client: string) =>
      (await send(server.url, { path: '/ojs/v1/queues', headers: { 'x-forwarded-for': client } })).status;
    expect([await as('10.0.0.1'), await as('10.0.0.2'), await as('10.0.0.1')]).toEqual([200, 200, 429]);
  });

  test.each([
    ['<script>alert(1)</script>', '127.0.0.1'],
    ['10.0.0.7, unknown', '127.0.0.1'],
    ['unknown, 10.0.0.7', '10.0.0.7'],
    ['fd00::7', 'fd00::7'],
  ])('X-Forwarded-For %s of a proxy is the client %s', async (forwarded, client) => {
    await using server = await serveClocked(memory?.url() ?? '', {}, { proxies: ['127.0.0.1'], tokens: [token] });
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': forwarded };
    await send(server.url, { path: '/ojs/v1/queues', headers });
    const entries = await send(server.url, {
      path: '/ojs/v1/admin/audit',
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': '10.1.1.1' },
    });
    const failed = JSON.parse(entries.text).items.filter((one: { outcome: string }) => one.outcome !== 'success');
    expect(failed).toMatchObject([{ source_ip: client }]);
  });

  test('over TLS knows who has proven a token', async () => {
    const options = { tls: selfSigned(), tokens: [token], maxConnections: 1 };
    await using server = await serveClocked(memory?.url() ?? '', {}, options);
    using sockets = new DisposableStack();
    sockets.adopt(await quiet(server.url), (socket) => socket.destroy());
    const headers = { authorization: `Bearer ${token}`, connection: 'keep-alive' };
    const answer = await send(server.url, { path: '/ojs/v1/queues', headers }, { rejectUnauthorized: false });
    expect([answer.status, answer.headers.connection]).toEqual([200, 'keep-alive']);
  });
});
