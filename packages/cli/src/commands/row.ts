import { type Answer, type Call, members, objectText } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server } from '../connection/server.ts';
import type { Item } from '../output/cells.ts';
import { confirmed } from '../output/confirm.ts';
import { type FormatFlags, printAnswer } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { details, type View } from '../output/table.ts';
import { type Args, type CommonFlags, serverCommand } from './command.ts';
import { type Flags, on, Raw, type Values } from './flags.ts';

/** A command that is one call of an operation. */
interface Row<F extends Flags> {
  /** Its values fill the path. */
  readonly args?: Args;
  /** Its values are members of the query, or of the body. */
  readonly flags?: F;
  /** The member of the answer that is shown, where the answer has it. */
  readonly member?: string;
  /** @param name the first argument. @param json the text of the answer, or of its member. */
  readonly shown: View | ((answer: Item, name: string, json: Json) => string);
}

interface LookRow<F extends Flags> extends Row<F> {
  /** Every call sends this in its query. */
  readonly query?: Call['query'];
}

/** A command that shows an answer. */
export function look<F extends Flags>(name: string, about: string, operation: OperationName, row: LookRow<F>): Command {
  return serverCommand(name, about, { ...row, also: ['json', 'watch'] }, async (server, values, ...args) => {
    const query = { ...row.query, ...queryOf(row.flags, values) };
    const { text } = await server.ask({ operation, params: paramsOf(row, args), query });
    print(row, text, values, args);
  });
}

interface ChangeRow<F extends Flags> extends Row<F> {
  /** `query` for an operation that has no body: its flags are in the query. */
  readonly sends?: 'query';
  /** The body, where it is not the flags'. */
  readonly body?: (values: Values<F>, ...args: readonly string[]) => Readonly<Record<string, unknown>>;
  /** The question before a change that cannot be taken back. */
  readonly question?: (name: string, values: Values<F>) => string;
  /** Members of which at least one is needed. */
  readonly oneOf?: readonly string[];
  /** The thing that the change creates with `--create` if it is missing: `the queue`. Other changes create nothing. */
  readonly creates?: string;
}

const either = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** A command that changes something. */
export function change<F extends Flags>(
  name: string,
  about: string,
  operation: OperationName,
  row: ChangeRow<F>,
): Command {
  const { question, creates } = row;
  const work = async (server: Server, values: Values<F> & CommonFlags, ...args: readonly string[]) => {
    const sent = given(row.flags, values);
    if (row.oneOf?.every((member) => sent[member] === undefined))
      throw new Failure(
        'usage',
        `Expected ${either.format(row.oneOf.map((member) => row.flags?.[member]?.long ?? ''))}.`,
      );
    if (question !== undefined) await confirmed(question(plain(args[0] ?? ''), values), values);
    const params = paramsOf(row, args);
    const body = row.body?.(values, ...args) ?? sent;
    const call =
      row.sends === 'query'
        ? { operation, params, query: queryOf(row.flags, values) }
        : { operation, params, ...((row.body ?? row.flags) && { body: objectOf(body) }) };
    const isGiven = creates === undefined || ('create' in values && values.create === true);
    const { text } = await (isGiven ? server.change(call) : changeExisting(server, call));
    print(row, text, values, args);
  };
  const more = creates === undefined ? {} : { create: on('--create', `create ${creates} if it does not exist yet`) };
  const also = question === undefined ? (['json'] as const) : (['yes', 'json'] as const);
  return serverCommand<F>(name, about, { ...row, more, also }, work);
}

/** A server creates what is missing, and a misspelled name would create nonsense. */
async function changeExisting(server: Server, call: Call): Promise<Answer> {
  try {
    return await server.change({ ...call, query: { create: 'false' } });
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'missing') throw error;
    throw new Failure('missing', `${error.message} --create creates it.`, error.advice);
  }
}

function paramsOf({ args = {} }: Pick<Row<Flags>, 'args'>, given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(args).map((name, index) => [name, given[index] ?? '']));
}

function print(
  { member = '', shown }: Row<Flags>,
  text: Json,
  flags: FormatFlags,
  [name = '']: readonly string[],
): void {
  printAnswer(text, flags, () => {
    const json = members(text).get(member) ?? text;
    const item: Item = JSON.parse(json);
    return typeof shown === 'function' ? shown(item, plain(name), json) : details(shown, item);
  });
}

/** The values that were given, by their members in a request. */
export function given(flags: Flags | undefined, values: object): Readonly<Record<string, unknown>> {
  const isSent = ([member, value]: readonly [string, unknown]) => flags?.[member] !== undefined && value !== undefined;
  return Object.fromEntries(Object.entries(values).filter(isSent));
}

/** Lists are joined by commas. */
export function queryOf(flags: Flags | undefined, values: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given(flags, values)).map(([member, value]) => [member, `${value}`]));
}

/** As JSON text: {@link Raw} values stay as they are. */
export function objectOf(body: Readonly<Record<string, unknown>>): Json {
  const known = Object.entries(body).filter(([, value]) => value !== undefined);
  return objectText(known.map(([name, value]) => [name, value instanceof Raw ? value.text : JSON.stringify(value)]));
}
