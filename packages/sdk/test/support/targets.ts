import { openEmbedded, startServer } from '@ojs-ts/server';
import { afterAll } from 'vitest';

/** A server and an embedded engine for all tests of a file; each `target` is what a client is made for. */
export async function openTargets(storage = 'memory:') {
  const server = await startServer({ storage, port: 0, log: false });
  const embedded = await openEmbedded('memory:');
  afterAll(async () => {
    await server.close();
    await embedded[Symbol.asyncDispose]();
  });
  return { server, embedded, target: (way: 'http' | 'embedded') => (way === 'http' ? server.url : embedded) };
}
