import { once } from 'node:events';
import { Client } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { silent } from '../../packages/cli/test/support/load.ts';
import { Child, freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

const innocents = 20;

test.each(storages)(
  'a job that kills its process beside 20 others, on two workers that a supervisor restarts, $name: three deaths, no other job is lost',
  async ({ url }) => {
    await using ending = new AsyncDisposableStack();
    const port = await freePort();
    ending.use(await serveOn(url(), port, { OJS_DEAD_AFTER: '5s' }));
    const address = `http://127.0.0.1:${port}`;
    await using client = new Client(address, { logger: silent });
    const jobs = await client.enqueueBatch(
      Array.from({ length: innocents + 1 }, (_, index) => ({
        type: 'pill.job',
        args: [1_000, index === 5],
        queue: 'pills',
        retry: { maxAttempts: index === 5 ? 10 : 1 },
      })),
    );
    const pill = jobs[5]?.id ?? '';
    const ran = new Map<string, number>();
    let isOver = false;
    let deaths = 0;
    const supervise = async () => {
      while (!isOver) {
        const child = ending.use(new Child('lab/failures/pill.child.ts', [address]));
        const exited = once(child.process, 'exit');
        await exited;
        for (const line of child.lines.filter((one) => one.startsWith('start '))) {
          const id = line.slice('start '.length);
          ran.set(id, (ran.get(id) ?? 0) + 1);
        }
        if (child.process.signalCode === 'SIGKILL' && !isOver) deaths++;
      }
    };
    const supervisors = [supervise(), supervise()];
    const read = async () => Promise.all(jobs.map(({ id }) => client.getJob(id)));
    await expect
      .poll(async () => (await read()).map(({ state }) => state).filter((state) => state === 'completed').length, {
        timeout: 300_000,
        interval: 500,
      })
      .toBe(innocents);
    await expect.poll(async () => (await client.getJob(pill)).state, { timeout: 300_000 }).toBe('discarded');
    expect((await client.getJob(pill)).error).toMatchObject({ code: 'poison_pill', details: { deaths: 3 } });
    isOver = true;
    await ending.disposeAsync();
    await Promise.all(supervisors);
    const times = [...ran].filter(([id]) => id !== pill).map(([, count]) => count);
    console.info(`deaths ${deaths}, runs of the pill ${ran.get(pill)}, of the others at most ${Math.max(...times)}`);
    expect({ deaths, pill: ran.get(pill) }).toEqual({ deaths: 3, pill: 3 });
  },
);
