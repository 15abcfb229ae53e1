// `node lab/walks.ts [FOLDER]`: the walks of docs/internals/architecture.md, by V8's precise coverage of client, worker and server in
// one process. A file counts if one of its functions ran in each of ten warm calls, so most upkeep does not count.
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(process.argv[2] ?? join(import.meta.dirname, '..'), 'packages/');
const { Admin, Client, Worker }: typeof import('@ojs-ts/sdk') = await import(join(folder, 'sdk/src/index.ts'));
const { startServer }: typeof import('@ojs-ts/server') = await import(join(folder, 'server/src/index.ts'));

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** The files that ran since the last call of this. */
async function ran(): Promise<readonly string[]> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const files = result.filter(({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0)));
  return files.flatMap(({ url }) =>
    url.startsWith(`file://${folder}`) ? [fileURLToPath(url).slice(folder.length)] : [],
  );
}

async function walk(name: string, call: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < 20; time++) await call();
  const times = new Map<string, number>();
  for (let time = 0; time < 10; time++) {
    await ran();
    await call();
    for (const file of await ran()) times.set(file, (times.get(file) ?? 0) + 1);
  }
  const files = [...times].flatMap(([file, count]) => (count === 10 ? [file] : [])).toSorted();
  console.log([`${name}: ${files.length} files`, ...files].join('\n  '));
}

const server = await startServer({ storage: 'sqlite:', port: 0, log: 'error' });
const client = new Client(server.url);

await walk('enqueue', () => client.enqueue('none', [1], { queue: 'waiting' }));

// With one slot and nothing fetched ahead, an ack and a fetch lie between two calls of the handler.
await client.enqueueBatch(Array.from({ length: 100 }, () => ({ type: 'job', args: [1] })));
let started = Promise.withResolvers<void>();
let end = Promise.withResolvers<void>();
const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };
const worker = new Worker(server.url, { concurrency: 1, prefetch: 0, handleSignals: false, logger: quiet });
worker.register('job', async () => {
  started.resolve();
  await end.promise;
});
const running = worker.start();
await walk('ack', async () => {
  await started.promise;
  started = Promise.withResolvers();
  end.resolve();
  end = Promise.withResolvers();
  await started.promise;
});
end.resolve();
await Promise.all([worker.stop(), running]);

await walk('bulk', async () => {
  await client.enqueue('none', [1], { queue: 'bulk' });
  await (await new Admin(server.url).startBulk({ action: 'cancel', filter: { queue: 'bulk' } })).wait();
});

let seen = Promise.withResolvers<void>();
void (async () => {
  for await (const _ of client.events({ queue: 'seen' })) seen.resolve();
})();
const enqueueSeen = () => client.enqueue('none', [1], { queue: 'seen' });
const connecting = setInterval(enqueueSeen, 50);
await seen.promise;
clearInterval(connecting);
await walk('event', async () => {
  seen = Promise.withResolvers();
  await Promise.all([enqueueSeen(), seen.promise]);
});
process.exit();
