import { randomBytes } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { postgresUrl } from '../../../packages/server/test/support/postgres.ts';
import { redisUrl } from '../../../packages/server/test/support/redis.ts';
import { within } from '../../../packages/server/test/support/storages.ts';
import { install } from '../../bench/src/peers/install.ts';
import { bullmq, openBull } from './bullmq.ts';
import type { Case, Guide } from './case.ts';
import { graphileWorker, openGraphile } from './graphile-worker.ts';
import { openOurs } from './ours.ts';
import { openBoss, pgBoss } from './pg-boss.ts';

const [redis, postgres] = await Promise.all([redisUrl(), postgresUrl()]);
install();

/** Runs the cases of all guides, or those with a row that matches, each on a namespace of its own. */
export function runCases(rows: RegExp = /./): void {
  runGuide(bullmq, rows, redis, 'namespace', (url) => openBull(url, `{${inject('testRun')}_${name()}}`));
  runGuide(pgBoss, rows, postgres, 'schema', (url) => openBoss(url, `${inject('testRun')}_${name()}`));
  runGuide(graphileWorker, rows, postgres, 'schema', (url) => openGraphile(url, `${inject('testRun')}_${name()}`));
}

function runGuide<Peer extends AsyncDisposable>(
  guide: Guide<Peer>,
  rows: RegExp,
  store: string | null,
  parameter: 'namespace' | 'schema',
  open: (url: string) => Promise<Peer>,
): void {
  const chosen = guide.cases.filter((one) => one.rows.some((row) => rows.test(row)));
  describe.runIf(store !== null)(guide.page, () => {
    test.each(chosen.map((one) => ({ ...one, name: `${one.rows.join(', ')}: ${one.title}` })))(
      '$name',
      { timeout: 120_000 },
      async ({ expected, peer, ours }: Case<Peer>) => {
        await using theirs = await open(store ?? '');
        await using own = await openOurs(within(store ?? '', parameter));
        const happened = await Promise.all([outcome(peer, theirs), outcome(ours, own)]);
        expect({ peer: happened[0], ours: happened[1] }).toEqual(expected);
      },
    );
  });
}

async function outcome<Side>(scenario: (side: Side, ran: unknown[]) => Promise<unknown>, side: Side): Promise<unknown> {
  const ran: unknown[] = [];
  return (await scenario(side, ran)) ?? ran;
}

function name(): string {
  return randomBytes(6).toString('hex');
}
