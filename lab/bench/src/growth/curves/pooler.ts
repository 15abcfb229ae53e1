import { findPgbouncer, startPgbouncer } from '../../../../../packages/server/test/support/pgbouncer.ts';
import type { Curve } from '../curve.ts';
import { drain, push } from '../embedded.ts';
import { callers } from '../http.ts';

const queue = 'bench';
const [singles, alone, batches] = [2_000, 200, 20];

/** A server behind PgBouncer in transaction mode; the CPU of PgBouncer itself is left out. */
export const curve: Curve = {
  name: 'pooler',
  of: 'poolers',
  storages: ['postgres'],
  sizes: { small: [0, 1], big: [0, 1] },
  bounds: ['a single of 64 callers', 'a single of one caller', 'claim and ack 100'].map((what) => {
    return { what, kind: 'growth', bound: 1.3 } as const;
  }),
  async measure(bench, size) {
    await using open = new AsyncDisposableStack();
    let url = bench.url;
    if (size > 0) {
      const binary = await findPgbouncer();
      if (binary === null) throw new Error('This curve needs PgBouncer.');
      const pooler = open.use(await startPgbouncer(binary, url, ['max_prepared_statements = 500']));
      const through = new URL(url);
      through.port = String(pooler.port);
      through.searchParams.set('pgbouncer', 'true');
      url = through.toString();
    }
    await using engine = await bench.engine({}, url);
    const single = () => push(engine, 0, 1, queue);
    const operations: readonly [string, number, () => Promise<void>][] = [
      ['a single of 64 callers', singles, () => callers(64, singles, single)],
      ['a single of one caller', alone, () => callers(1, alone, single)],
      ['a job of a batch of 500', batches * 500, () => callers(1, batches, () => push(engine, 0, 500, queue))],
      ['claim and ack 100', 8_000, () => drain(engine, 8_000, 100, queue)],
    ];
    await callers(64, 1_000, single);
    await callers(4, 40, () => push(engine, 0, 100, queue));
    await drain(engine, 5_000, 100, queue);
    for (const [what, count, work] of operations) await bench.cost(what, count, work);
  },
};
