import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../server/test/storage/sqlite/temporary.ts';
import { Client, Worker } from '../../src/index.ts';
import { pgTransaction } from '../../src/transaction/index.ts';
import { keepingLogger } from '../support/log.ts';
import { openStore, postgres, type Store } from './store.ts';

const read = (name: string) => readFileSync(new URL(`../../../../docs/guides/${name}.md`, import.meta.url), 'utf8');
const guide = read('transactions') + read('outbox');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');

/** The block that has the text, run as it stands: imports are loaded, and names of places are those of the test. */
async function run(
  text: string,
  places: Readonly<Record<string, string>>,
  names: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const code = blocks.find((block) => block.includes(text));
  if (code === undefined) throw new Error(`The guide has no example with ${text}.`);
  let body = stripTypeScriptTypes(code);
  for (const [from, to] of Object.entries(places)) body = body.replaceAll(from, to);
  body = body
    .replace(/^import \{([^}]*)\} from '(.*)';$/gm, 'const {$1} = await load("$2");')
    .replace(/^import (\w+) from '(.*)';$/gm, 'const { default: $1 } = await load("$2");');
  const load = (name: string) =>
    name === './generated/client.ts'
      ? import('./prisma-client.mjs')
      : name === '@ojs-ts/sdk/transaction'
        ? import('../../src/transaction/index.ts')
        : import(/* @vite-ignore */ name);
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  await new AsyncFunction('load', ...Object.keys(names), body)(load, ...Object.values(names));
}

describe.skipIf(postgres === null)('examples of docs/guides/transactions.md and outbox.md on PostgreSQL', () => {
  let store: Store;
  let url: string;
  beforeAll(async () => {
    store = await openStore();
    await store.pool.query(`ALTER TABLE "${store.schema}".users ADD COLUMN greeted boolean`);
    const own = new URL(store.database);
    own.searchParams.set('options', `-c search_path=${store.schema}`);
    url = own.toString();
  });
  afterAll(() => store[Symbol.asyncDispose]());

  test.each(['pg', 'postgres', 'kysely', 'drizzle', 'prisma', 'knex', 'outbox'])('%s', async (name) => {
    const email = `${name}@example.org`;
    await run(`'${email}'`, {
      'process.env.DATABASE_URL': `'${url}'`,
      "schema: 'ojs'": `schema: '${store.schema}'`,
      'http://localhost:8080': store.server.url,
    });
    const { rows } = await store.pool.query(`SELECT email FROM "${store.schema}".users WHERE email = $1`, [email]);
    expect(rows).toHaveLength(1);
    await store.server.engine.outboxImport?.run();
    const { items } = await store.server.engine.storage.jobs.list({ states: 0xff, queue: 'mail', limit: 100 });
    expect(items.filter(({ envelope }) => envelope.includes(email))).toHaveLength(1);
  });

  test('complete', async () => {
    const worker = new Worker(store.server.url, { queues: ['greet'], handleSignals: false, logger: keepingLogger() });
    await store.pool.query(`INSERT INTO "${store.schema}".users (email) VALUES ('greet@example.org')`);
    const { pool, jobs } = store;
    await run(
      'user.greet',
      { 'UPDATE users': `UPDATE "${store.schema}".users` },
      { worker, pool, jobs, pgTransaction },
    );
    const job = await store.client.enqueue('user.greet', ['greet@example.org'], { queue: 'greet' });
    expect(await worker.runUntil(job.wait())).toEqual({ greeted: true });
    const { rows } = await pool.query(`SELECT greeted FROM "${store.schema}".users WHERE email = 'greet@example.org'`);
    expect(rows).toEqual([{ greeted: true }]);
  });

  test('the grants of the guide are sufficient', async () => {
    const grants = /```sql\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    const role = `${store.schema}_app`.slice(0, 60);
    const client = await store.pool.connect();
    try {
      await client.query(`CREATE ROLE ${role}`);
      await client.query(grants.replace(/\bojs\b/g, `"${store.schema}"`).replace(/\bapp\b/g, role));
      const job = await store.client.enqueue('a.job', [], { queue: 'rights' });
      const [held] = await store.server.engine.protocol.fetch({
        ...{ queues: ['rights'], count: 1, worker: 'w' },
        leaseMs: null,
        request: null,
        waitMs: 0,
      });
      await client.query(`BEGIN; SET LOCAL ROLE ${role}`);
      const tx = pgTransaction(client);
      const staged = await store.jobs.enqueue(tx, 'a.job', ['by the role']);
      const raw = { id: job.id, x_lease: store.server.engine.leases.of({ id: job.id, claim: held?.claim ?? 0 }) };
      await store.jobs.complete(tx, { jobId: job.id, job: { ...job, raw } });
      await client.query('COMMIT');
      expect(await store.client.getJob(staged.id)).toMatchObject({ args: ['by the role'] });
      expect(await store.client.getJob(job.id)).toMatchObject({ state: 'completed' });
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      client.release();
    }
  });
});

test('the example of SQLite', async () => {
  const path = join(temporaryDirectory(), 'ojs.db');
  const server = await startServer({ storage: `sqlite:${path}`, port: 0, log: false });
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE users (email TEXT)');
  database.close();
  await run('sqlite@example.org', { "'ojs.db'": JSON.stringify(path) });
  await server.engine.outboxImport?.run();
  const { items } = await server.engine.storage.jobs.list({ states: 0xff, queue: 'mail', limit: 10 });
  expect(items).toHaveLength(1);
  await using client = new Client(server.url);
  expect(await client.getJob(items[0]?.id ?? '')).toMatchObject({ args: ['sqlite@example.org', 'welcome'] });
  await server.close();
});
