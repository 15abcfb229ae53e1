import { uuidv7 } from '@ojs-ts/core';
import { type JobRecord, readEnvelopes } from '@ojs-ts/core/job';
import { Engine } from '@ojs-ts/server';
import { payloadOf } from '../../payload.ts';
import type { Bound, Curve } from '../curve.ts';

const queue = 'bench';
const plain = 'a plain job';
const short = 'a step, chains of ten';
const chain = 'a step, one chain';
const groups = 'a step, chain of groups of 20';
/** Steps of short chains, and plain jobs. */
const many = 1_000;
/** The last steps, which are measured. */
const last = 60;
const sibling = 20;

/** A step costs the same in any place, and a step of a short chain costs a few plain jobs. */
export const curve: Curve = {
  name: 'workflows',
  of: 'steps',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [100, 500], big: [200, 1_000, 5_000] },
  bounds: [
    // Six are wanted; warm code takes 6.7 on Redis and PostgreSQL and 7.8 on SQLite, where it was 7 to 35.
    { what: short, kind: { beside: plain }, bound: 10 },
    ...[chain, groups].flatMap((what): readonly Bound[] => [
      { what, kind: 'growth', bound: 1.2, unit: 'commands', on: ['redis'] },
      { what, kind: 'growth', bound: 1.2, unit: 'log bytes', on: ['postgres'] },
      // CPU time is uneven on a busy machine; SQLite counts nothing that is exact.
      { what, kind: 'growth', bound: 2, on: ['sqlite'] },
    ]),
  ],
  async measure(bench, size) {
    await using engine = await Engine.start({ storage: await bench.storage() });
    const newId = () => uuidv7(engine.clock);
    const create = (body: object) => engine.workflows.create(engine.workflows.read(JSON.stringify(body), newId));
    const push = () =>
      engine.jobs.push(readEnvelopes(JSON.stringify({ jobs: steps(many) }), engine.clock.now(), newId));
    await push();
    await work(engine, many);
    await push();
    await bench.cost(plain, many, () => work(engine, many));
    const ten = () => create({ type: 'chain', name: 'ten', steps: steps(10) });
    for (let made = 0; made < many; made += 200) await Promise.all(Array.from({ length: 20 }, ten));
    await bench.cost(short, many, () => work(engine, many));
    await create({ type: 'chain', name: 'one', steps: steps(size) });
    await work(engine, size - last);
    await bench.cost(chain, last, () => work(engine, last));
    const stage = { type: 'group', name: 'stage', jobs: steps(sibling) };
    await create({ type: 'chain', name: 'stages', steps: Array.from({ length: size / sibling }, () => stage) });
    await work(engine, size - last);
    await bench.cost(groups, last, () => work(engine, last));
  },
};

function steps(count: number): readonly object[] {
  return Array.from({ length: count }, (_, n) => ({ type: 'bench.email', args: [payloadOf(n)], options: { queue } }));
}

/** Claims of 100, and their acks, as a worker does it. */
async function work(engine: Engine, jobs: number): Promise<void> {
  for (let done = 0; done < jobs; ) {
    const about = { queues: [queue], worker: 'bench', leaseMs: null, request: uuidv7(), waitMs: 5_000 };
    const claimed: readonly JobRecord[] = await engine.protocol.fetch({ ...about, count: Math.min(100, jobs - done) });
    if (claimed.length === 0) throw new Error(`no job came for 5 s after ${done} of ${jobs}`);
    const acks = claimed.map(({ id, claim }) => {
      return { kind: 'ack', id, claim, worker: 'bench', result: '{"sent":true,"id":12345678}' } as const;
    });
    for (const settled of await engine.protocol.acknowledge(acks))
      if (settled.status === 'rejected' || settled.value.kind !== 'completed') throw new Error('an ack was refused');
    done += claimed.length;
  }
  await engine.workflows.settled();
}
