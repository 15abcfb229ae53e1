import { type Call, type Names, uuidv7 } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Ask, Operation } from '../connection/operation.ts';
import { goneIsDone } from '../connection/recovery.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { eachOf, type Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { type Page, type PageOf, type PageOptions, type PageQuery, pageNames, readPage } from './page.ts';

/** Reads one page of a list. */
export type Listing<T> = (query: PageQuery) => Operation<PageOf<T>>;

/**
 * A row of a table of methods. `Client`, `Admin` and `SyncClient` have a method for each row, with its docstring. A
 * method whose row is a function has the options of every call or list. With `make` and `names` it has those options,
 * which are the last argument of the function. Rows are plain values, so a bundler drops those that no class of the
 * bundle has.
 */
export type Row = Make | { readonly names: Names; readonly make: Make };
type Make = (...args: never) => Made;
type Made = Operation<unknown> | Listing<unknown>;
export type Rows = Readonly<Record<string, Row>>;

/** The arguments, the options and the value of the method of a row. A list has a {@link Page}. */
export type Taken<R> = R extends { readonly make: (...args: infer All) => infer Own }
  ? All extends readonly [...infer Args, infer Options]
    ? { readonly args: Args; readonly options: Options; readonly answer: ValueOf<Own> }
    : never
  : R extends (...args: infer Args) => infer Own
    ? {
        readonly args: Args;
        readonly options: Own extends Listing<unknown> ? PageOptions : CallOptions;
        readonly answer: ValueOf<Own>;
      }
    : never;
type ValueOf<Own> = Own extends Operation<infer T> ? T : Own extends Listing<infer T> ? Page<T> : never;

/** The parameters of a method: the options come last, and may be left out if all of them may. */
export type Arguments<Args extends readonly unknown[], Options> =
  Partial<Options> extends Options ? [...args: Args, options?: Options] : [...args: Args, options: Options];

/** The methods that the rows describe. Editors show the docstrings of the rows. */
export type Methods<Table> = { [Name in keyof Table]: Method<Taken<Table[Name]>> };
type Method<T> = T extends { args: infer Args extends readonly unknown[]; options: infer Options; answer: infer Answer }
  ? (...args: Arguments<Args, Options>) => Promise<Answer>
  : never;

/** A call of the method that a row describes. */
interface Called {
  readonly options: PageOptions;
  readonly made: Made;
}

/** @throws {OJSValidationError} for an unknown option, and for arguments that the operation refuses. */
export function called(row: Row, args: readonly unknown[]): Called {
  const make = typeof row === 'function' ? row : row.make;
  const given = typeof row === 'function' ? row.length : make.length - 1;
  const { [given]: asked = {} } = args;
  if (typeof row !== 'function') checkNames(asked, row.names);
  const own = args.slice(0, given);
  own[given] = asked;
  const made: Made = Reflect.apply(make, undefined, own);
  if (typeof row === 'function') checkNames(asked, typeof made === 'function' ? pageNames : callNames);
  return { options: Object(asked), made };
}

/** An operation of one call. */
export function* read<T>(call: Call, reader: (body: Wire) => T, more: Omit<Ask, 'call'> = {}): Operation<T> {
  return reader(yield { call, about: aboutOf(call), ...more });
}

/** An operation of one change. By the key, the server makes a repeated one once. */
export function change<T>(call: Call, reader: (body: Wire) => T, more?: Omit<Ask, 'call'>): Operation<T> {
  return read({ ...call, idempotencyKey: uuidv7() }, reader, more);
}

/**
 * An operation that removes something, and returns its name. If the retry of a lost call finds nothing, the first call
 * has removed it.
 */
export function remove<T extends object>(call: Call, about: T): Operation<{ deleted: boolean } & T> {
  const reader = ({ deleted }: Wire) => ({ deleted: deleted !== false, ...about });
  return change(call, reader, { settings: { recover: goneIsDone } });
}

/** An operation that reads one page of a list. @param lists the names that servers have for it. */
export function* list<T>(
  operation: OperationName,
  query: PageQuery,
  lists: readonly string[],
  reader: (item: unknown) => T | undefined,
  more: Call['query'] = {},
): Operation<PageOf<T>> {
  const call = { operation, query: { ...query, ...more } };
  const body = yield { call, about: aboutOf(call) };
  const items = lists.map((name) => body[name]).find((items) => items !== undefined && items !== null);
  return readPage(body, query, eachOf(items, reader));
}

/** The job or queue of the call, for its errors. */
function aboutOf({ operation, params = {}, query = {} }: Call): NonNullable<Ask['about']> {
  if (params.id !== undefined && /^(job|deadLetter)\./.test(operation)) return { jobId: params.id };
  const queue = operation.startsWith('queue.') ? params.name : query.queue;
  return typeof queue === 'string' ? { queue } : {};
}
