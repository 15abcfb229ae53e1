import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@ojs-ts/sdk';
import type { HistoryFile } from './history-file.ts';

const everyMs = 2_000;
const calmMs = 10_000;
/** By what a tick does while the run before it has not ended. */
const policies = { allow: 'allow', skip: 'skip', 'cancel-previous': 'cancel_previous' } as const;
/** The cron whose runs clients ask for. Its own tick is never. */
export const byHand = 'by-hand';

/** Runs take longer than the time between two ticks, so the policies matter. */
export async function registerCrons(client: Client): Promise<void> {
  const run = (holdMs: number) => [{ holdMs, failures: 0, told: {} }];
  const options = { queue: 'cron', retry: { maxAttempts: 40 } };
  for (const [name, overlapPolicy] of Object.entries(policies))
    await client.registerCronJob(name, `*/${everyMs / 1_000} * * * * *`, 'chaos.cron', run(1.5 * everyMs), {
      ...options,
      overlapPolicy,
    });
  await client.registerCronJob(byHand, '@yearly', 'chaos.cron', run(10), { ...options, overlapPolicy: 'allow' });
}

/** Waits for some ticks while everything works, and writes down those that must fire. Then the crons are removed. */
export async function expectTicks(client: Client, history: HistoryFile): Promise<void> {
  const from = Date.now();
  await pause(calmMs);
  const to = Date.now() - everyMs;
  for (const name of [...Object.keys(policies), byHand]) await client.unregisterCronJob(name);
  const ticks: string[] = [];
  for (let at = Math.ceil(from / everyMs) * everyMs; at <= to; at += everyMs) ticks.push(new Date(at).toISOString());
  history.call('cron', { cron: 'allow', ticks })('done');
}
