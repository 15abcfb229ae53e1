import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { startServer } from '../../src/main.ts';

/** Rejects where no connection is made, or it ends without an answer. */
async function answered(url: string, agent: Agent): Promise<IncomingMessage> {
  const request = get(url, { agent });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  await once(answer.resume(), 'end');
  return answer;
}

test('a server that closes answers one more request on each open connection, and is not ready', async () => {
  const { url, close } = await startServer({ storage: 'memory:', port: 0, log: false, closeTimeoutMs: 600_000 });
  const agent = new Agent({ keepAlive: true });
  const paths = ['/ojs/v1/queues', '/ojs/v1/health', '/nowhere', '/dashboard/'];
  // At once, so that each request opens a connection.
  const before = await Promise.all(paths.map((path) => answered(url + path, agent)));
  expect(before.map(({ headers }) => headers.connection)).toEqual(paths.map(() => 'keep-alive'));
  const closed = close({ lingerMs: 600_000 });
  await expect
    .poll(() => answered(url, new Agent()).catch((error: unknown) => error), { interval: 5 })
    .toMatchObject({ code: 'ECONNREFUSED' });
  const after = await Promise.all(paths.map((path) => answered(url + path, agent)));
  expect(after.map(({ statusCode, headers }) => [statusCode, headers.connection])).toEqual([
    [200, 'close'],
    [503, 'close'],
    [404, 'close'],
    [expect.any(Number), 'close'],
  ]);
  // At once: no connection is left.
  await closed;
});
