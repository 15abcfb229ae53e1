import { expect } from 'vitest';
import { cronsOf } from '../crons-of.ts';
import { countErrors, eventLog, idOf, newJob, t0 } from '../suite/tools.ts';
import { openClients } from './clients.ts';
import { test } from './namespace.ts';

test('crons that 8 clients fire at once make one job a tick', async () => {
  await using clients = await openClients(8);
  const [first] = clients.storages;
  const names = ['a', 'b', 'c'];
  const ticks = 20;
  for (const name of names) await cronsOf(first).put({ name, spec: '{}', enabled: true, dueAt: t0 }, t0);
  for (let tick = 0; tick < ticks; tick++) {
    const now = t0 + tick * 60_000;
    const due = await Promise.all(clients.storages.map((storage) => cronsOf(storage).due(now, 10)));
    const fired = await Promise.all(
      clients.storages.map(async (storage, client) => {
        const firings = (due[client] ?? []).map(({ name, version }) => ({
          name,
          version,
          dueAt: now + 60_000,
          job: newJob(0, { id: idOf(1000 * tick + 10 * client + names.indexOf(name)), cron: name }),
          cancels: [],
          events: [`["cron.triggered","${name}",null,"",null,null,0,null,null,null,{}]`],
        }));
        const answers = await cronsOf(storage).fire(firings, now);
        return firings.filter((_, at) => answers[at] === true).map(({ name }) => name);
      }),
    );
    expect(fired.flat().sort(), 'one client a cron').toEqual(names);
  }
  const last = { runCount: ticks, version: t0 + ticks, lastRunAt: t0 + (ticks - 1) * 60_000 };
  expect(await cronsOf(first).list()).toMatchObject(names.map((name) => ({ name, ...last })));
  const runs = await first.jobs.runs(names, 1000);
  expect(runs.map((jobs) => jobs.length)).toEqual(names.map(() => ticks));
  const { items } = await first.jobs.list({ states: 0xff, limit: 1000 });
  expect(items).toHaveLength(ticks * names.length);
  const log = await eventLog(first);
  expect(log.filter(({ kind }) => kind === 'cron.triggered')).toHaveLength(ticks * names.length);
  expect(await countErrors(first)).toEqual([]);
});
