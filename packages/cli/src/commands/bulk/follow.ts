import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '@ojs-ts/core/job';
import { exitCodes } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { count, counted, type Item, numberIn, part, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer } from '../../output/format.ts';
import { ProgressBar } from '../../output/progress.ts';

/** Between two looks, in milliseconds: the first ones come soon, for few jobs. */
const soonMs = 50;
const usualMs = 500;

/** The words for changed jobs, where they are not the action and `ed`. */
const doneWords: Readonly<Record<string, string>> = {
  cancel: 'cancelled',
  delete: 'deleted',
  priority: 'given another priority',
  promote: 'promoted',
  purge: 'deleted',
  redrive: 'retried',
  rerun: 'run again',
  reschedule: 'rescheduled',
  retry: 'retried',
  undo: 'undone',
};

export function doneWord(action: string): string {
  return doneWords[action] ?? `${action}ed`;
}

/** Reasons that do not say enough by their names. */
const reasonWords: Readonly<Record<string, string>> = {
  available: 'available already, which cannot wait again',
  changed_since: 'changed meanwhile',
  changing: 'changing all the time',
  gone: 'deleted meanwhile',
  invalid_request: 'that the changes do not fit',
  no_change: 'so already',
  no_new_job: 'without a new job',
  other_queues: 'whose unique key or limit is not that of your queues',
  pruned: 'deleted meanwhile',
  schema_validation: 'whose arguments would not match their schema',
  unique_key: 'that would get another unique key',
};

/**
 * Shows a bulk operation until its end, which sets the exit code, and returns it. Ctrl+C leaves it running.
 * @param begin answers the operation. The server may work on it before its answer is here, so Ctrl+C waits for that.
 */
export async function follow(
  server: Server,
  begin: () => Promise<{ readonly text: Json }>,
  flags: FormatFlags,
): Promise<Item> {
  let id: string | null = null;
  let isInterrupted = false;
  const interrupted = () => {
    isInterrupted = true;
    if (id !== null) leave(id);
  };
  process.once('SIGINT', interrupted);
  let answer: Json;
  let item: Item;
  try {
    answer = (await begin()).text;
    item = JSON.parse(answer);
    id = text(item, 'id');
    if (isInterrupted) leave(id);
    using bar = new ProgressBar();
    for (let ms = soonMs; text(item, 'state') === 'running'; ms = Math.min(usualMs, 2 * ms)) {
      bar.show(standing(item));
      await pause(ms);
      answer = (await server.ask({ operation: 'bulk.get', params: { id } })).text;
      item = JSON.parse(answer);
    }
  } finally {
    process.off('SIGINT', interrupted);
  }
  if (text(item, 'state') !== 'done') process.exitCode = exitCodes.failed;
  printAnswer(answer, flags, () => outcome(item));
  const why = flags.json ? '' : skippedWords(item);
  if (why !== '') console.error(why);
  return item;
}

function leave(id: string): never {
  process.stderr.write('\n');
  console.error(`The operation continues. Watch it: ojs bulk show ${id} --watch. Stop it: ojs bulk stop ${id}.`);
  process.exit(exitCodes.interrupted);
}

function standing(item: Item) {
  const [done, matched] = [numberIn(item, 'done'), numberIn(item, 'matched')];
  const isKnown = item.matched_is_lower_bound !== true && matched > 0;
  const left = item.time_left_ms;
  return {
    part: isKnown ? done / matched : null,
    words: `${done.toLocaleString('en-US')} of ${matchedWords(item)}`,
    leftMs: typeof left === 'number' && isKnown ? left : null,
  };
}

/** How many jobs match, as far as the server has counted. */
export function matchedWords(item: Item): string {
  const least = item.matched_is_lower_bound === true ? 'at least ' : '';
  return `${least}${jobs(numberIn(item, 'matched'))}`;
}

function outcome(item: Item): string {
  const changed = `${jobs(numberIn(item, 'changed'))} ${doneWord(text(item, 'action'))}`;
  const state = text(item, 'state');
  const error = text(item, 'error');
  if (state === 'done') return `${changed}.`;
  const ended = state === 'failed' ? 'failed' : 'was stopped';
  return `${changed}; the operation ${ended}${error === '' ? '.' : `: ${error}`}`;
}

/** Why jobs stayed, in one line; empty if none did. */
export function skippedWords(item: Item): string {
  const skipped = part(item, 'skipped');
  const reasons = Object.keys(skipped).map(
    (reason) => `${count(skipped, reason)} ${reasonWords[reason] ?? reason.replaceAll('_', ' ')}`,
  );
  return reasons.length === 0 ? '' : `Left as before: ${reasons.join(', ')}.`;
}

export function jobs(count: number): string {
  return counted(count, 'job');
}
