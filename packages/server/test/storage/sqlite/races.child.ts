import { once } from 'node:events';
import { State } from '@ojs-ts/core/job';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { claim, move, t0, to } from '../suite/tools.ts';

/** Says that it is ready, waits for a word, then claims and ends jobs of a file until none is left or half of them are done, so that both
 * processes have to take part; prints the ids that it got. */
const [path = '', worker = ''] = process.argv.slice(2);
await using storage = sqliteStorage({ path, synchronous: 'OFF' });
await storage.ping();
console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const got: string[] = [];
for (let idle = 0; idle < 3 && got.length < 1000; ) {
  const jobs = await claim(storage, { worker, limit: 7 }, t0);
  idle = jobs.length === 0 ? idle + 1 : 0;
  got.push(...jobs.map(({ id }) => id));
  for (const job of jobs)
    await move(storage, to(job.id, State.completed, State.active, { claim: job.claim, worker }), t0);
}
console.log(JSON.stringify(got));
