import { join } from 'node:path';
import { State } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { Connection } from '../../../src/storage/sqlite/connection.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { statements } from '../../../src/storage/sqlite/statements.ts';
import { claim, newJob, t0 } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

const byId = 'SEARCH ojs_jobs USING INDEX sqlite_autoindex_ojs_jobs_1 (id=?)';
const byNumber = 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid=?)';

const plans: Readonly<Record<keyof typeof statements, string>> = {
  insert: '',
  byId,
  byNumber,
  ready: 'SEARCH ojs_jobs USING INDEX ojs_jobs_ready (queue=?)',
  claim: byNumber,
  guard: byId,
  rest: byNumber,
  finish: byNumber,
  move: byNumber,
  note: byNumber,
  due: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at<?)',
  promote: byNumber,
  expiring: 'SEARCH ojs_jobs USING INDEX ojs_jobs_expiry (expires_at<?)',
  beaten: byId,
  extend: byNumber,
  // Sorted: what is active at once is bounded by the workers.
  held: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?); USE TEMP B-TREE FOR ORDER BY',
  forRemoval: byId,
  remove: byNumber,
  oldest: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?)',
  // Used only while a count says that few are there.
  listReady: 'SCAN ojs_jobs USING INDEX ojs_jobs_ready',
  listDue: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>?)',
  byNumberDown: 'SEARCH ojs_jobs USING INTEGER PRIMARY KEY (rowid<?)',
  finishedDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_due (state=? AND due_at>? AND due_at<?)',
  deadDown: 'SEARCH ojs_jobs USING INDEX ojs_jobs_dead (finished_at<?)',
  request: 'SEARCH ojs_requests USING INDEX sqlite_autoindex_ojs_requests_1 (request=?)',
  remember: '',
};

test('every hot statement uses its index right after a bulk claim, with statistics missing and with stale ones (design §7)', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const planned = () => {
    const sql = new Connection(path, 'FULL');
    const found = Object.entries(statements).map(([name, text]) => {
      const values = Array.from(text.matchAll(/\?/g), () => 1);
      return [
        name,
        sql
          .all(`EXPLAIN QUERY PLAN ${text}`, ...values)
          .map((cells) => cells[3])
          .join('; '),
      ];
    });
    sql.close();
    return Object.fromEntries(found);
  };
  await storage.jobs.insert([Array.from({ length: 2000 }, (_, number) => newJob(number))], t0);
  await claim(storage, { limit: 1500 });
  expect(planned()).toEqual(plans);
  // Statistics from before the claim, when nothing was active.
  await storage.clear();
  await storage.jobs.insert([Array.from({ length: 2000 }, (_, number) => newJob(number))], t0);
  const sql = new Connection(path, 'FULL');
  sql.execute('ANALYZE');
  sql.close();
  await claim(storage, { limit: 1500 });
  expect(planned()).toEqual(plans);
  expect((await storage.registry.queues())[0]?.counts[State.active]).toBe(1500);
});
