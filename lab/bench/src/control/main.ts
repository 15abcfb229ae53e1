// npm run bench -- control: how long the questions of an operator take in a store with many jobs.
import { openStorage } from '@ojs-ts/server';
import { command, parse, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { placesOf, placesUsage, titles } from '../places.ts';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';
import { ms, table } from '../table.ts';
import { retryTimes } from './bulk.ts';
import { ask, timesOf } from './calls.ts';
import { fill } from './fixture.ts';
import { beside, callsOf, searches } from './questions.ts';
import { scrapeTimes } from './scrapes.ts';
import { searchTimes } from './search.ts';

const usage = `${placesUsage}; default sqlite,postgres,redis
--jobs N            in the store, default 1000000
--rounds N          of each call after the first, default 100
--pairs N           of queue and type for scrapes of /metrics, in a store of their own; default 2000
--json              one JSON document instead of tables`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite,postgres,redis' },
    jobs: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '100' },
    pairs: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  });
  const [jobs, rounds] = [whole('jobs', values.jobs, 1_000), whole('rounds', values.rounds)];
  const pairs = whole('pairs', values.pairs);
  const facts = machine();
  if (!values.json) console.log(describeMachine(facts));
  const all = [];
  for (const open of placesOf(values.storage)) {
    await using place = await open();
    const scrapes = await scrapeTimes(place.storage, pairs, Math.min(rounds, 20));
    await using store = await freshStore(place.storage);
    {
      await using storage = await openStorage(store.storage);
      await fill(storage, jobs);
    }
    await using server = await startServer(store.storage);
    const sample = JSON.parse(await ask(server.url, '/ojs/v1/admin/jobs?state=completed&per_page=1')).items[0].id;
    const calls = await timesOf(server.url, callsOf(sample), rounds);
    const found = [];
    for (const search of searches) found.push(await searchTimes(server.url, search, beside(sample)));
    const bulk = await retryTimes(server.url, beside(sample));
    all.push({ storage: place.kind, calls, searches: found, bulk, scrapes });
    if (values.json) continue;
    const others = (figures: { readonly p50: number; readonly p99: number; readonly max: number }) =>
      [figures.p50, figures.p99, figures.max].map(ms);
    console.log(`\n${titles[place.kind]}, ${jobs.toLocaleString('en-US')} jobs\n`);
    console.log(
      table(
        ['call', 'first ms', 'p50 ms', 'p99 ms', 'max ms'],
        calls.map(({ what, cold, ...rest }) => [what, ms(cold), ...others(rest)]),
        1,
      ),
    );
    console.log(
      `\n${table(
        ['long work', 'seconds', 'jobs', 'others p50 ms', 'p99 ms', 'max ms'],
        [...found.map(({ what, seconds, found: count, others: rest }) => ({ what, seconds, count, rest })), bulk].map(
          ({ what, seconds, count, rest }) => [what, seconds.toFixed(1), String(count), ...others(rest)],
        ),
        1,
      )}`,
    );
    console.log(
      `\n${table(
        ['pairs', 'MiB', 'scrape ms', 'CPU ms', 'blocked ms', 'max ms'],
        [[String(pairs), ...[scrapes.size, scrapes.took, scrapes.cpu, scrapes.blocked, scrapes.worst].map(ms)]],
        0,
      )}`,
    );
  }
  if (values.json) console.log(JSON.stringify({ machine: facts, jobs, rounds, all }, null, 2));
}

await command('bench control', usage, main);
