import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Hop } from './hop.ts';

test('delay: bytes come late, and in their order, as TCP has it', async () => {
  // Far more than one read, so the hop holds back many pieces.
  const sent = Buffer.alloc(2_000_000);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32BE(at, at);
  const server = createServer((socket) => socket.write(sent));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await using hop = await Hop.to(typeof address === 'object' && address !== null ? address.port : 0);
  hop.weather = 'delay';
  const client = connect(Number(new URL(hop.url).port), '127.0.0.1');
  const pieces: Buffer[] = [];
  client.on('data', (piece: Buffer) => pieces.push(piece));
  await expect.poll(() => pieces.reduce((sum, { length }) => sum + length, 0)).toBe(sent.length);
  expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  client.destroy();
  server.close();
});
