import { existsSync, readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { didYouMean, elements, isObject, members, uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure, refusalOf } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { type Item, list, numberIn, text } from '../../output/cells.ts';
import { printAnswer } from '../../output/format.ts';
import { plain } from '../../output/plain.ts';
import { serverCommand } from '../command.ts';
import { flag, Raw, someTime, type Values } from '../flags.ts';
import { objectOf } from '../row.ts';

const args = {
  '[to...]':
    'JOB NAME [PAYLOAD]; with --token only [PAYLOAD]. The name is that of the step which waits, unless the handler ' +
    'chose another one. The payload is any JSON, @FILE for the JSON of a file, or - for standard input',
};
const flags = {
  token: flag('--token <token>', 'send it to whichever job waits for this token, in place of JOB and NAME'),
  queue: flag('--queue <name>', 'with --token: only a job of this queue may read it'),
  expires_in_ms: flag('--expires <duration>', 'with --token: how long it is kept unread; default 7d', someTime),
  id: flag('--id <id>', 'the same id counts once; default: a new one'),
};

/** The mailbox of a signal, as members of the request. */
type Target = { readonly job_id: string; readonly name: string } | { readonly token: string };

/** `ojs jobs signal`: sends a signal to a job that waits, or will wait, for it. */
export function signalCommand(): Command {
  const about = 'send a signal to a job that waits, or will wait, for it';
  return serverCommand('signal', about, { args, flags, also: ['json'] }, async (server, values, ...given) => {
    const { target, payload } = readArgs(values, given);
    const { queue, expires_in_ms, id = uuidv7() } = values;
    const sent = { ...target, queue, expires_in_ms, id, payload: payload && (await jsonOf(payload)) };
    const body = objectOf({ signals: new Raw(`[${objectOf(sent)}]`) });
    const answer = await server.ask({ operation: 'signal.send', body });
    const [outcome = '{}'] = elements(members(answer.text).get('signals') ?? '[]');
    const item: Item = JSON.parse(outcome);
    if (numberIn(item, 'status') >= 400)
      throw refusalOf({ ...answer, status: numberIn(item, 'status'), text: outcome }, 'The server');
    const advice = values.json || item.outcome !== 'kept' ? '' : await otherWaits(server, target);
    printAnswer(outcome, values, () => wordsOf(item, target) + advice);
  });
}

function readArgs(
  { token, queue, expires_in_ms }: Values<typeof flags>,
  given: readonly string[],
): { readonly target: Target; readonly payload: string | undefined } {
  const [first, name, payload, ...rest] = given;
  if (token !== undefined) {
    if (name !== undefined)
      throw new Failure('usage', `Expected only a payload with --token, got ${given.length} arguments.`);
    return { target: { token }, payload: first };
  }
  if (rest.length > 0) throw new Failure('usage', `Expected JOB NAME [PAYLOAD], got ${given.length} arguments.`);
  const own = queue !== undefined ? '--queue' : expires_in_ms !== undefined ? '--expires' : null;
  if (own !== null) throw new Failure('usage', `${own} belongs to --token: a signal of a job is kept with its job.`);
  if (first === undefined || name === undefined)
    throw new Failure('usage', 'Expected JOB NAME [PAYLOAD], or --token TOKEN [PAYLOAD].');
  return { target: { job_id: first, name }, payload };
}

async function jsonOf(given: string): Promise<Raw> {
  const file = given.startsWith('@') ? given.slice(1) : null;
  if (file !== null && !existsSync(file)) throw new Failure('usage', `There is no file ${plain(file)}.`);
  const json = file !== null ? readFileSync(file, 'utf8') : given === '-' ? await readText(process.stdin) : given;
  try {
    JSON.parse(json);
  } catch (error) {
    const place = file !== null ? plain(file) : given === '-' ? 'Standard input' : 'The payload';
    const why = error instanceof Error ? plain(error.message) : '';
    throw new Failure('usage', `${place} is not JSON: ${why}. Write a text with its quotes, such as '"yes"'.`);
  }
  return new Raw(json);
}

function wordsOf(item: Item, target: Target): string {
  const [id, job] = [text(item, 'id'), text(item, 'job_id')];
  switch (item.outcome) {
    case 'woken':
      return `Job ${job} is available: its wait for the signal is over.`;
    case 'repeated':
      return `A signal with the id ${id} was sent before, so nothing has changed.`;
    default:
      return 'token' in target
        ? 'The signal is kept until a job waits for its token.'
        : `The signal is kept until job ${job} reads it.`;
  }
}

/** The signals that the job waits for in place of this one: a misspelled one is kept like any other. */
async function otherWaits(server: Server, target: Target): Promise<string> {
  if (!('name' in target)) return '';
  const call = { operation: 'admin.job', params: { id: target.job_id } } as const;
  // A caller who may send signals may lack the right to look.
  const answer = await server.ask(call).catch(() => null);
  const waits = list(JSON.parse(answer?.text ?? '{}'), 'x_wait').filter(isObject);
  const names = waits.flatMap((wait) =>
    wait.kind === 'signal' && wait.token === undefined ? [text(wait, 'signal') || text(wait, 'name')] : [],
  );
  const tokens = waits.flatMap((wait) => (wait.token === undefined ? [] : [text(wait, 'token')]));
  if (names.includes(target.name)) return '';
  const waited = [
    ...names.map((name) => `the signal ${JSON.stringify(name)}`),
    ...tokens.map((one) => `the token ${JSON.stringify(one)}`),
  ];
  if (waited.length === 0) return '';
  return `\nThe job waits for ${waited.slice(0, 5).join(', ')}.${didYouMean(target.name, names)}`;
}
