import { cpus, totalmem } from 'node:os';
import { watch } from './positions.ts';
import { Postgres } from './postgres.ts';
import { race, replaceNode } from './race.ts';
import { Redis } from './redis.ts';
import { install, startPostgres, startRedis } from './servers.ts';
import { claimBehind, kinds, type Rates, time } from './timing.ts';

const total = 20_000;
const connections = 16;
const failures: string[] = [];

async function raceOf(store: Postgres | Redis): Promise<void> {
  failures.push(...(await replaceNode(store)));
  const watched = store instanceof Postgres ? watch(store) : null;
  const outcome = await race(store);
  const lines = [...outcome.facts, ...((await watched?.stop()) ?? [])];
  failures.push(...outcome.failures);
  console.log(
    `\n${store.name}: ${outcome.failures.length === 0 ? 'every invariant held' : 'BROKEN'}\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}

async function tableOf(store: Postgres | Redis, durability: string): Promise<void> {
  const rows: Rates[] = [];
  for (const kind of kinds) for (const clients of [1, 4, 16]) rows.push(await time(store, kind, clients, total));
  const k = (value: number) => `${(value / 1000).toFixed(1)}k`;
  console.log(`\n${store.name}, ${durability}: jobs/s in batches of 100\n`);
  console.log('| job has | clients | insert | claim | transition | empty claims |\n|---|--:|--:|--:|--:|--:|');
  for (const row of rows)
    console.log(`| ${row.kind} | ${row.clients} | ${k(row.insert)} | ${k(row.claim)} | ${k(row.transition)} | ${row.empty} |`);
  const behind: string[] = [];
  for (const lanes of [1, 20, 1000]) behind.push(`${lanes}: ${(await claimBehind(store, lanes)).toFixed(2)} ms`);
  console.log(`\nclaim of 10 jobs behind saturated keys, median: ${behind.join(', ')}`);
  await store.clear();
}

await install();
await using postgresServer = await startPostgres();
await using redisServer = await startRedis();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await Promise.all([postgresServer[Symbol.asyncDispose](), redisServer[Symbol.asyncDispose]()]);
    process.exit(1);
  });
}
await using postgres = new Postgres(`postgres://spike@127.0.0.1:${postgresServer.port}/postgres`, connections + 4);
await using redis = new Redis(redisServer.port, connections);
await postgres.migrate();
await redis.load();

console.log(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${postgresServer.version}, ${redisServer.version}`,
);
await raceOf(postgres);
await raceOf(redis);
if (failures.length === 0) {
  await tableOf(postgres, 'fsync=on synchronous_commit=on full_page_writes=on');
  for (const policy of ['always', 'everysec']) {
    await redis.connections[0]?.config('SET', 'appendfsync', policy);
    await tableOf(redis, `appendonly=yes appendfsync=${policy}`);
  }
}
if (failures.length > 0) {
  console.error(`\nbroken:\n${failures.join('\n')}`);
  process.exitCode = 1;
}
