import type { Browser } from 'playwright-core';
import { Operator } from '../../../dashboard/operator.ts';
import { Stage } from '../../../dashboard/stage.ts';
import { tasks } from '../../../dashboard/tasks.ts';
import { tryTask } from '../../../dashboard/trial.ts';
import { placesOf } from '../places.ts';
import { type Contest, type Name, type Outcome, ourName, type PeerName } from './outcome.ts';
import { openPeer } from './peer.ts';
import { ways } from './ways.ts';

interface Peer {
  readonly storage: 'redis' | 'postgres';
  /** What its first page shows when it is there. */
  readonly home: string;
  /** Of its packages, those that the page names. */
  readonly packages: readonly string[];
}

const peers: Readonly<Record<PeerName, Peer>> = {
  'bull-board': { storage: 'redis', home: 'work-1', packages: ['@bull-board/express', 'bullmq'] },
  'pg-boss': { storage: 'postgres', home: 'Top Queues', packages: ['@pg-boss/dashboard', 'pg-boss'] },
};

export interface Terms {
  readonly jobs: number;
  /** How long somebody waits for a step. */
  readonly patienceMs: number;
}

/** Tries each task in one dashboard. */
export async function contest(browser: Browser, name: Name, terms: Terms): Promise<Contest> {
  return name === ourName ? contestOfOurs(terms) : contestOfPeer(browser, name, terms);
}

async function contestOfOurs({ jobs, patienceMs }: Terms): Promise<Contest> {
  await using stage = await Stage.open(jobs);
  const outcomes: Record<string, Outcome> = {};
  for (const task of tasks) {
    const operator = stage.operatorOf(task);
    operator.page.setDefaultTimeout(patienceMs);
    outcomes[task.name] = { kind: 'tried', ...(await tryTask(operator, () => task.run(operator, stage.scene))) };
  }
  return { name: ourName, versions: {}, jobs, outcomes };
}

async function contestOfPeer(browser: Browser, name: PeerName, { jobs, patienceMs }: Terms): Promise<Contest> {
  const { storage, home, packages } = peers[name];
  const [open] = placesOf(storage);
  if (open === undefined) throw new Error(`no ${storage}`);
  await using place = await open();
  await using stage = await openPeer(name, place.storage, jobs);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  await using _closed = { [Symbol.asyncDispose]: () => context.close() };
  const page = await context.newPage();
  const operator = new Operator(page, stage.url, page.getByText(home));
  page.setDefaultTimeout(patienceMs);
  const outcomes: Record<string, Outcome> = {};
  for (const { name: task } of tasks) {
    const way = ways[name][task];
    if (way === undefined || 'cannot' in way) outcomes[task] = { kind: 'cannot' };
    else outcomes[task] = { kind: 'tried', ...(await tryTask(operator, () => way.run(operator, stage.scene))) };
  }
  const versions = Object.fromEntries(packages.map((one) => [one, stage.versions[one] ?? '']));
  return { name, versions, jobs, outcomes };
}
