import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { type Item, numberIn, part } from '../../output/cells.ts';
import type { FormatFlags } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { ProgressBar } from '../../output/progress.ts';
import { jobs } from '../bulk/follow.ts';
import { type Args, interruptible, serverCommand } from '../command.ts';
import { flag, on, someTime, type Values } from '../flags.ts';

const flags = {
  scheduled: on('--scheduled', 'also wait for jobs that are scheduled for later'),
  pause: on('--pause', 'pause the queue when it is empty, so that later jobs do not start'),
  timeout: flag('--timeout <duration>', 'give up after this time, such as 10m', someTime),
};
type DrainFlags = Values<typeof flags>;

/** Between two looks, in milliseconds. */
const lookMs = 1_000;

/** `ojs queues drain`: waits until nothing waits and nothing runs. */
export function drainCommand(args: Args): Command {
  const about = 'wait until no job of a queue waits or runs; the queue still accepts jobs';
  return serverCommand('drain', about, { args, flags, also: ['json'] }, async (server, values, name = '') => {
    using _ = interruptible(() =>
      console.error('\nojs queues drain: interrupted. Its workers continue; run it again to wait on.'),
    );
    await drain(server, plain(name), values);
  });
}

type Load = Awaited<ReturnType<typeof loadOf>>;

async function drain(server: Server, name: string, flags: DrainFlags & FormatFlags): Promise<void> {
  const began = Date.now();
  const first = await loadOf(server, name);
  let load = first;
  {
    using bar = new ProgressBar();
    while (!(await isDrained(server, name, load, flags))) {
      if (load.isPaused)
        throw new Failure('failed', `Queue ${name} is paused, so it never empties: ojs queues resume ${name}.`);
      const spent = Date.now() - began;
      if (flags.timeout !== undefined && spent >= flags.timeout)
        throw new Failure('failed', `Queue ${name} is not empty: ${words(load)}.`);
      const [before, left] = [leftOf(first, flags), leftOf(load, flags)];
      const gone = before - left;
      bar.show({
        part: before > 0 ? Math.max(0, gone / before) : null,
        words: words(load),
        leftMs: gone > 0 ? (spent * left) / gone : null,
      });
      await pause(lookMs);
      load = await loadOf(server, name);
    }
  }
  const paused = flags.pause === true;
  if (flags.json) console.log(JSON.stringify({ queue: name, drained: true, paused, scheduled: load.scheduled }));
  else
    console.log(
      `Queue ${name} is empty${paused ? ' and paused' : ''}.` +
        (load.scheduled > 0 ? ` ${jobs(load.scheduled)} scheduled for later.` : ''),
    );
}

/** A job may come between the look and the pause: then the queue continues. */
async function isDrained(server: Server, name: string, load: Load, flags: DrainFlags): Promise<boolean> {
  if (leftOf(load, flags) > 0) return false;
  if (!flags.pause) return true;
  await server.ask({ operation: 'queue.pause', params: { name } });
  if (leftOf(await loadOf(server, name), flags) === 0) return true;
  await server.ask({ operation: 'queue.resume', params: { name } });
  return false;
}

function leftOf({ waiting, running, scheduled }: Load, { scheduled: isAll }: DrainFlags): number {
  return waiting + running + (isAll ? scheduled : 0);
}

async function loadOf(server: Server, name: string) {
  const item: Item = JSON.parse((await server.ask({ operation: 'queue.get', params: { name } })).text);
  const counts = part(item, 'counts');
  const count = (state: string) => numberIn(counts, state);
  return {
    // A pending job waits for an activation, which no worker does.
    waiting: count('available') + count('retryable'),
    running: count('active'),
    scheduled: count('scheduled'),
    isPaused: item.status === 'paused',
  };
}

function words({ waiting, running, scheduled }: Load): string {
  const later = scheduled > 0 ? `, ${scheduled.toLocaleString('en-US')} scheduled` : '';
  return `${waiting.toLocaleString('en-US')} waiting, ${running.toLocaleString('en-US')} running${later}`;
}
