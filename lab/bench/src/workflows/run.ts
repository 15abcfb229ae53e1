import { uuidv7 } from '@ojs-ts/core';
import { type JobRecord, readEnvelopes } from '@ojs-ts/core/job';
import { Engine, openStorage } from '@ojs-ts/server';
import { Redis } from 'ioredis';
import { payloadOf } from '../payload.ts';
import { freshStore, kindOf } from '../store.ts';
import { meterOf } from '../store-cost/meters.ts';

export const shapes = ['plain', 'chains', 'chain', 'groups'] as const;
export type Shape = (typeof shapes)[number];

/** The cost of one job in one part of a run. */
export interface Cost {
  /** Microseconds of CPU: of this process, and of the store if it is another one. */
  readonly nodeUs: number;
  readonly storeUs: number;
  /** Bytes of PostgreSQL's log, or commands of Redis, those of scripts included; null for other storages. */
  readonly exact: number | null;
}

export interface ShapeFigure {
  readonly jobs: number;
  readonly quarters: readonly Cost[];
  /** Bytes that the store has more at the end; null if it cannot tell. */
  readonly keptBytes: number | null;
  /** Bytes of all results. */
  readonly resultBytes: number;
}

const queue = 'bench';
const result = '{"sent":true,"id":12345678}';
/** Jobs of one claim; a chain by itself has one. */
const atOnce = 100;

/** Runs all jobs of one shape through the engine in this process, and measures each quarter of them by itself. */
export async function runShape(shape: Shape, url: string, size: number): Promise<ShapeFigure> {
  await using store = await freshStore(url);
  await using meter = await meterOf(store.storage);
  await using commands = commandsOf(store.storage);
  const storage = await openStorage(store.storage);
  await using engine = await Engine.start({ storage });
  const jobs = await create(engine, shape, size);
  const before = await meter.kept();
  const quarters: Cost[] = [];
  const look = async () => {
    const { cpuUs, logBytes } = await meter.used();
    const { user, system } = process.cpuUsage();
    return { cpuUs, nodeUs: user + system, exact: logBytes ?? (await commands.count()) };
  };
  let last = await look();
  for (let quarter = 1, done = 0; quarter <= 4; quarter++) {
    const from = done;
    const to = Math.floor((jobs * quarter) / 4);
    while (done < to) done += await work(engine, Math.min(atOnce, to - done));
    await engine.workflows.settled();
    const now = await look();
    const each = (pick: (one: typeof now) => number) => (pick(now) - pick(last)) / (done - from);
    quarters.push({
      nodeUs: each(({ nodeUs }) => nodeUs),
      storeUs: kindOf(url) === 'sqlite' ? 0 : each(({ cpuUs }) => cpuUs),
      exact: now.exact === null || last.exact === null ? null : each(({ exact }) => exact ?? 0),
    });
    last = now;
  }
  const after = await meter.kept();
  const keptBytes = before === null || after === null ? null : after - before;
  return { jobs, quarters, keptBytes, resultBytes: jobs * result.length };
}

/** Answers how many jobs will run. */
async function create(engine: Engine, shape: Shape, size: number): Promise<number> {
  const step = (n: number) => ({ type: 'bench.email', args: [payloadOf(n)], options: { queue } });
  const steps = (count: number) => Array.from({ length: count }, (_, n) => step(n));
  const newId = () => uuidv7(engine.clock);
  const start = (body: object) => engine.workflows.create(engine.workflows.read(JSON.stringify(body), newId));
  if (shape === 'plain') {
    for (let at = 0; at < size; at += 1_000) {
      const body = JSON.stringify({ jobs: steps(Math.min(1_000, size - at)) });
      await engine.jobs.push(readEnvelopes(body, engine.clock.now(), newId));
    }
    return size;
  }
  if (shape === 'chain') {
    await start({ type: 'chain', name: 'one', steps: steps(size) });
    return size;
  }
  if (shape === 'groups') {
    const stages = Math.ceil(size / atOnce);
    const group = { type: 'group', name: 'stage', jobs: steps(atOnce) };
    await start({ type: 'chain', name: 'stages', steps: Array.from({ length: stages }, () => group) });
    return stages * atOnce;
  }
  const chains = Math.ceil(size / 10);
  for (let at = 0; at < chains; at += 20)
    await Promise.all(
      Array.from({ length: Math.min(20, chains - at) }, () => start({ type: 'chain', name: 'ten', steps: steps(10) })),
    );
  return chains * 10;
}

/** Claims, and acks what came; answers how many. */
async function work(engine: Engine, count: number): Promise<number> {
  const claimed: readonly JobRecord[] = await engine.protocol.fetch({
    queues: [queue],
    count,
    worker: 'bench',
    leaseMs: null,
    request: uuidv7(),
    waitMs: 5_000,
  });
  if (claimed.length === 0) throw new Error('no job came for 5 s');
  const acks = claimed.map(({ id, claim }) => ({ kind: 'ack', id, claim, worker: 'bench', result }) as const);
  for (const settled of await engine.protocol.acknowledge(acks))
    if (settled.status === 'rejected' || settled.value.kind !== 'completed') throw new Error('an ack was refused');
  return claimed.length;
}

interface Commands extends AsyncDisposable {
  /** Commands that Redis has carried out, those of scripts included; null for other storages. */
  count(): Promise<number | null>;
}

function commandsOf(storage: string): Commands {
  if (kindOf(storage) !== 'redis') return { count: async () => null, async [Symbol.asyncDispose]() {} };
  const client = new Redis(storage, { maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  return {
    async count() {
      const text = await client.info('commandstats');
      return [...text.matchAll(/^cmdstat_(?!info)\S+:calls=(\d+)/gm)].reduce(
        (sum, [, calls]) => sum + Number(calls),
        0,
      );
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}
