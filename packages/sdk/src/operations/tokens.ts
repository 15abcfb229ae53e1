import { type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Role } from '@ojs-ts/core/access';
import type { Operation } from '../connection/operation.ts';
import { OJSAnswerError } from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, textOf, textsOf, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';

/** A token of the server's store, without its secret. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** Names of queues; one that ends in `*` is a prefix. */
  readonly queues: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly rotatedAt?: Date;
  /** Until when the secret before the last rotation counts. */
  readonly previousUntil?: Date;
  readonly revokedAt?: Date;
}

/** A token with its secret, which the server returns only once. */
export interface IssuedToken {
  readonly token: TokenRecord;
  readonly secret: string;
}

/** A new token. */
export interface TokenRequest {
  /** The purpose or owner of the token; at most 128 characters. */
  name: string;
  roles: readonly Role[];
  /** Names of queues, or beginnings that end in `*`. Default: all queues. */
  queues?: readonly string[] | undefined;
  /** Paths in args, meta and results that the holder does not see, such as `args[0].card`. Default: none. */
  redact?: readonly string[] | undefined;
  /** Default: the token has no end. */
  expiresAt?: Date | string | undefined;
}

const requestNames: NamesOf<TokenRequest> = { name: true, roles: true, queues: true, redact: true, expiresAt: true };

export function* listTokens(query: PageQuery): Operation<PageOf<TokenRecord>> {
  const body = yield { call: { operation: 'token.list', query: { ...query } } };
  return readPage(body, query, eachOf(body.tokens, readToken));
}

export function* createToken(request: TokenRequest): Operation<IssuedToken> {
  checkNames(request, requestNames);
  const { name, roles, queues, redact, expiresAt } = request;
  const body = {
    name,
    roles,
    ...(queues !== undefined && { queues }),
    ...(redact !== undefined && { redact }),
    ...(expiresAt !== undefined && { expires_at: timestamp(expiresAt, 'expiresAt') }),
  };
  return issued(yield { call: { operation: 'token.create', body: JSON.stringify(body), idempotencyKey: uuidv7() } });
}

/** @param grace ISO 8601 duration. */
export function* rotateToken(id: string, grace: string | undefined): Operation<IssuedToken> {
  const body = JSON.stringify({ grace });
  return issued(yield { call: { operation: 'token.rotate', params: { id }, body, idempotencyKey: uuidv7() } });
}

/** How to revoke a token. */
export interface RevokeTokenOptions extends CallOptions {
  /** Also the last token that may manage tokens. Default: false. */
  force?: boolean | undefined;
}

export const revokeTokenNames: NamesOf<RevokeTokenOptions> = { ...callNames, force: true };

export function* revokeToken(id: string, force: boolean | undefined): Operation<TokenRecord> {
  const { token } = yield {
    call: { operation: 'token.revoke', params: { id }, ...(force === true && { query: { force: 'true' } }) },
  };
  return tokenOf(token);
}

function issued({ token, secret }: Readonly<Record<string, unknown>>): IssuedToken {
  if (typeof secret !== 'string') throw new OJSAnswerError('The answer has no secret.');
  return { token: tokenOf(token), secret };
}

function tokenOf(value: unknown): TokenRecord {
  const token = readToken(value);
  if (token === undefined) throw new OJSAnswerError('The answer has no token.');
  return token;
}

function readToken(item: unknown): TokenRecord | undefined {
  const raw = wireOf(item) ?? {};
  const [id, createdAt] = [textOf(raw.id), dateOf(raw.created_at)];
  if (id === undefined || createdAt === undefined) return undefined;
  return compact({
    id,
    name: textOf(raw.name) ?? '',
    roles: textsOf(raw.roles) ?? [],
    queues: textsOf(raw.queues) ?? [],
    createdAt,
    expiresAt: dateOf(raw.expires_at),
    rotatedAt: dateOf(raw.rotated_at),
    previousUntil: dateOf(raw.previous_until),
    revokedAt: dateOf(raw.revoked_at),
  });
}
