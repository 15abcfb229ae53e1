/** Three ways for a reader to follow the event log of PostgreSQL while sixteen clients commit: how many batches does each miss? */
import { setTimeout as delay } from 'node:timers/promises';
import type { Postgres } from './postgres.ts';

export interface Watch {
  stop(): Promise<readonly string[]>;
}

export function watch(store: Postgres): Watch {
  let stopped = false;
  const bySequence = new Set<number>();
  const byTransaction = new Set<number>();
  const byNumber = new Set<number>();
  let regressed = 0;

  async function loop(step: () => Promise<number>): Promise<void> {
    while (!stopped || (await step()) > 0) if (!stopped && (await step()) === 0) await delay(1);
  }
  let sequence = 0;
  let transaction = { xid: 0, seq: 0 };
  let number = 0;
  const loops = [
    loop(async () => {
      const rows = await store.eventsBySequence(sequence);
      for (const { seq } of rows) {
        sequence = seq;
        bySequence.add(seq);
      }
      return rows.length;
    }),
    loop(async () => {
      const rows = await store.eventsByTransaction(transaction);
      for (const { seq, xid } of rows) {
        transaction = { xid, seq };
        byTransaction.add(seq);
      }
      return rows.length;
    }),
    loop(async () => {
      const rows = await store.events(number, 1000);
      for (const { position, ids } of rows) {
        if (position !== number + 1) regressed++;
        number = position + ids.length - 1;
        byNumber.add(position);
      }
      return rows.length;
    }),
  ];

  return {
    async stop() {
      stopped = true;
      await Promise.all(loops);
      const { rows } = await store.pool.query<{ total: number; swapped: number }>(
        `SELECT count(*) AS total, count(*) FILTER (WHERE xid < before) AS swapped
           FROM (SELECT xid::text::bigint AS xid, max(xid::text::bigint) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM event) e`,
      );
      const { total = 0, swapped = 0 } = rows[0] ?? {};
      return [
        `event log: ${total} batches, ${swapped} of them with a sequence number above that of a younger transaction`,
        `cursor on the sequence number missed ${total - bySequence.size}`,
        `cursor on (transaction, sequence) behind the oldest transaction under way missed ${total - byTransaction.size}`,
        `positions given after the commit missed ${total - byNumber.size}, out of order ${regressed}`,
      ];
    },
  };
}
