import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { State } from '@ojs-ts/core/job';
import { afterAll, expect, test } from 'vitest';
import { drained, patientClient, produce, Runs } from '../../packages/cli/test/support/load.ts';
import { type Child, freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { historyErrors, invariantErrors } from '../../packages/server/test/storage/invariants.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

const jobs = 5_000;
const kills = 6;
const home = mkdtempSync(join(tmpdir(), 'ojs-nodes-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Those whose store other processes can share. */
const shared = storages
  .filter(({ name }) => name !== 'memory')
  .map(({ name, url }) => ({ name, url: () => (name === 'sqlite' ? `sqlite:${join(home, 'jobs.db')}` : url()) }));

test.concurrent.each(shared)(
  'server nodes that die in turn during 5,000 jobs, $name, lose no job and run none twice',
  async ({ name, url }) => {
    const target = url();
    const ports = [await freePort(), await freePort()];
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    const nodes: Child[] = [];
    for (const port of ports) nodes.push(await serveOn(target, port));
    await using ending = new AsyncDisposableStack();
    ending.defer(async () => {
      for (const node of nodes) await node.end('SIGTERM');
    });
    const clients = urls.map((one) => ending.use(patientClient(one)));
    const runs = new Runs();
    for (const one of [...urls, ...urls]) runs.work(one, 'load');
    /** The longest that nothing was started while a node was down. */
    let longest = 0;
    const killing = async () => {
      for (let kill = 1; kill <= kills; kill++) {
        while (runs.starts.size < (jobs * kill) / (kills + 1)) await pause(10);
        const index = kill % nodes.length;
        const from = performance.now();
        await nodes[index]?.end('SIGKILL');
        await pause(300 + Math.random() * 1_000);
        const next = runs.firstStartAfter(from + 50);
        longest = Math.max(longest, (next ?? performance.now()) - from);
        nodes[index] = await serveOn(target, ports[index] ?? 0);
      }
    };
    const began = performance.now();
    const [acknowledged] = await Promise.all([produce(clients, 'load', jobs), killing()]);
    const [client] = clients;
    if (client) await drained(client, 'load');
    await runs.stop();
    const took = performance.now() - began;
    await ending.disposeAsync();

    await using storage = await openStorage(target);
    const ids = [...acknowledged.keys()];
    const records = await storage.jobs.get(ids);
    console.log(
      `${name}: ${Math.round(took)} ms, the others went on within ${Math.round(longest)} ms, ${runs.twice.length} run twice`,
    );
    expect(acknowledged.size).toBe(jobs);
    expect(ids.filter((_, index) => records[index]?.state !== State.completed)).toEqual([]);
    expect(runs.twice).toEqual([]);
    expect(runs.overlapping).toEqual([]);
    expect(longest).toBeLessThan(5_000);
    expect(await historyErrors(storage, { holders: new Map(), limited: new Map(), slots: new Map() })).toEqual([]);
    expect(await invariantErrors(storage)).toEqual([]);
  },
);
