import { flag, integer } from '../cells.ts';
import { inboxBytes } from '../inbox.ts';
import type { Inbox, InboxEntry, Inserted } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { insertGroup } from './insert.ts';
import { complete, move } from './move.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

const depth = 'SELECT (SELECT count(*) FROM ojs_inbox) + (SELECT count(*) FROM ojs_inbox_completions)';

/** Rows that transactions of users have appended over other connections. */
export function inbox(sql: Connection, store: GroupCommit): Inbox {
  return {
    read: (limit) => store.read(() => oldest(sql, limit)),

    holds: (ids) => store.read(() => ids.map((id) => flag(sql.value(statements.inInbox, id, id)))),

    take: (items, now, options) =>
      store.write((tx) => {
        const answers = items.map(({ entry, job }) =>
          ifExists(tx, entry, () => insertGroup(tx, [job], now, options)[0] ?? null),
        );
        tx.end(now);
        return answers;
      }),

    refuse: (refusals, now) =>
      store.write((tx) => {
        const answers = refusals.map(({ entry, job, end }) =>
          ifExists(tx, entry, () => {
            const [answer] = insertGroup(tx, [job], now, { always: true });
            if (answer?.kind === 'inserted') move(tx, end, now);
            return answer ?? null;
          }),
        );
        tx.end(now);
        return answers;
      }),

    complete: (limit, now) =>
      store.write((tx) => {
        const found = tx.sql.all(statements.completions, 0, limit);
        const ready = found.flatMap((completion) => complete(tx, completion, now));
        tx.end(now);
        return { count: found.length, ready };
      }),

    depth: () => store.read(() => integer(sql.value(depth))),
  };
}

/** Reads row by row, so that the requests of a page stay within its bytes. */
function oldest(sql: Connection, limit: number): readonly InboxEntry[] {
  const entries: InboxEntry[] = [];
  for (let bytes = 0, after = 0; entries.length < limit && bytes < inboxBytes; ) {
    const entry = sql.get(statements.inbox, after, 1);
    if (!entry) break;
    entries.push(entry);
    after = entry.number;
    bytes += Buffer.byteLength(entry.request);
  }
  return entries;
}

/** Calls `work` if the entry still exists, and deletes the entry if the store has the job then. */
function ifExists(tx: Transaction, entry: number, work: () => Inserted | null): Inserted | null {
  if (tx.sql.value(statements.inboxEntry, entry) === undefined) return null;
  const answer = work();
  if (answer?.kind === 'inserted' || answer?.kind === 'already') tx.sql.change(statements.leaveInbox, entry);
  return answer;
}
