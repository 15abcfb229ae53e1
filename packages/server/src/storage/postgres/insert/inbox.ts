import type { NewJob } from '@ojs-ts/core/job';
import { integer } from '../../cells.ts';
import { inboxBytes } from '../../inbox.ts';
import { entryColumns } from '../../rows.ts';
import type { Inbox, Inserted } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { numbers, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { transitionAll } from '../jobs/transitions.ts';
import { complete } from './completions.ts';
import { insertGroups, insertPlain, isPlain, Refused } from './insert.ts';

const oldest = entryColumns.from(`(
    SELECT number, id, request, sum(octet_length(request)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) -
      octet_length(request) AS before
    FROM (SELECT number, id, request FROM ojs.inbox ORDER BY number LIMIT $1) AS waiting) AS page
  WHERE before < $2 ORDER BY number`);
// Only the import locks these rows, always in this order and before any other row.
const hold = 'SELECT number FROM ojs.inbox WHERE number = ANY ($1::bigint[]) ORDER BY number FOR UPDATE';
const remove = 'DELETE FROM ojs.inbox WHERE number = ANY ($1::bigint[])';
const held = `SELECT id FROM unnest($1::uuid[]) AS asked (id)
  WHERE EXISTS (SELECT FROM ojs.inbox WHERE inbox.id = asked.id)
  OR EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = asked.id)`;
const some = 'SELECT 1 FROM ojs.inbox_completions LIMIT 1';
const depth = 'SELECT (SELECT count(*) FROM ojs.inbox) + (SELECT count(*) FROM ojs.inbox_completions)';

/** The rows that users' transactions have appended. */
export function inbox(database: Database): Inbox {
  return {
    read: (limit) => database.all(oldest, [limit, inboxBytes]),

    async holds(ids) {
      const found = new Set(await database.values(held, [uuids(ids)]));
      return ids.map((id) => found.has(id));
    },

    async take(items, now, options = {}) {
      if (isPlain(items.map(({ job }) => job))) {
        try {
          return await database.transact(now, (tx) =>
            forExisting(tx, items, (there) =>
              insertPlain(
                tx,
                groupsOf(there),
                there.map(({ job }) => job),
                options,
              ),
            ),
          );
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
        }
      }
      return database.transact(now, (tx) =>
        forExisting(tx, items, (there) => insertGroups(tx, groupsOf(there), now, options)),
      );
    },

    refuse: (refusals, now) =>
      database.transact(now, (tx) =>
        forExisting(tx, refusals, async (there) => {
          const answers = await insertGroups(tx, groupsOf(there), now, { always: true });
          const fresh = there.filter((_, index) => answers[index]?.[0]?.kind === 'inserted');
          await transitionAll(
            tx,
            fresh.map(({ end }) => end),
            now,
          );
          return answers;
        }),
      ),

    async complete(limit, now) {
      // Usually there is nothing to apply, and no transaction is needed.
      if ((await database.query(some)).length === 0) return { count: 0, ready: [] };
      return database.transact(now, (tx) => complete(tx, limit, now));
    },

    depth: async () => integer(await database.value(depth)),
  };
}

/** Each job is admitted or refused by itself. */
function groupsOf(items: readonly { readonly job: NewJob }[]): readonly (readonly NewJob[])[] {
  return items.map(({ job }) => [job]);
}

/** Works on the items whose entry still exists, and deletes the entry of each job that is then in the store. */
async function forExisting<T extends { readonly entry: number }>(
  tx: Transaction,
  items: readonly T[],
  work: (there: readonly T[]) => Promise<readonly (readonly Inserted[])[]>,
): Promise<readonly (Inserted | null)[]> {
  const found = new Set(await tx.values(hold, [numbers(items.map(({ entry }) => entry))]));
  const there = items.filter(({ entry }) => found.has(entry));
  if (there.length === 0) return items.map(() => null);
  const inserted = await work(there);
  const answers = new Map(there.map((item, index) => [item, inserted[index]?.[0] ?? null]));
  const done = there.filter((item) => ['inserted', 'already'].includes(answers.get(item)?.kind ?? ''));
  tx.taken += done.length;
  if (done.length > 0) tx.write(remove, [numbers(done.map(({ entry }) => entry))]);
  return items.map((item) => answers.get(item) ?? null);
}
