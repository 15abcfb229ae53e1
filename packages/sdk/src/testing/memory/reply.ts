import type { Answered } from '@ojs-ts/core/lifecycle';
import type { OperationName } from '@ojs-ts/core/operations';
import { commaSeparated, Fields, type PlainReply, pagination, type Query, readPage } from '@ojs-ts/core/requests';

/** A call with texts for its parameters, as a server sees it. */
export interface Request {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: string | undefined;
  /** `Idempotency-Key` */
  readonly key: string | null;
  readonly requestId: string;
}

export type Answers = Readonly<Partial<Record<OperationName, (request: Request) => Answered<PlainReply>>>>;

/** The members of the body. @throws ProtocolError `invalid_payload` */
export function fieldsOf({ body }: Request): Readonly<Record<string, unknown>> {
  return Fields.parse(body);
}

export function param({ params }: Request, name: string): string {
  return params[name] ?? '';
}

export function listed({ query }: Request, ...names: readonly string[]): readonly string[] {
  return commaSeparated(names.map((name) => query[name]).find((value) => value !== undefined && value !== ''));
}

/**
 * One page of a list whose cursor is the number of the item that comes next. @throws ProtocolError `invalid_request`
 */
export function pageOf<T>(
  { query }: Request,
  all: readonly T[],
): { readonly items: readonly T[]; readonly pagination: object } {
  const page = readPage(query);
  const from = page.cursor === null ? page.offset : readPage({ offset: page.cursor }).offset;
  const items = all.slice(from, from + page.limit);
  const next = from + items.length < all.length ? String(from + items.length) : null;
  return { items, pagination: pagination(page, all.length, items.length, next) };
}
