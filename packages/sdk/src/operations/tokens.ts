import type { NamesOf } from '@ojs-ts/core';
import type { Role } from '@ojs-ts/core/access';
import type * as answers from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { checkNames } from '../options/check-names.ts';
import { type Camel, camel } from './answer.ts';
import type { PageQuery } from './page.ts';
import { change, list, read } from './row.ts';

/** A token of the server's store, without its secret. A queue name that ends in `*` is a prefix. */
export interface TokenRecord extends Camel<answers.Token> {}

/** A token with its secret, which the server returns only once. */
export interface IssuedToken extends Camel<answers.IssuedToken> {}

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

/** How to revoke a token. */
export interface RevokeTokenOptions extends CallOptions {
  /** Also the last token that may manage tokens. Default: false. */
  force?: boolean | undefined;
}

const revokeNames: NamesOf<RevokeTokenOptions> = { ...callNames, force: true };
const issued = (body: unknown): IssuedToken => camel<answers.IssuedToken>(body, 'token', 'secret');
const token = (item: unknown): TokenRecord => camel<answers.Token>(item, 'id', 'created_at');

export const tokenRows = {
  /**
   * The tokens of the server's store, oldest first, revoked ones too. Tokens of its configuration are not among them.
   */
  listTokens: () => (query: PageQuery) => list('token.list', query, ['tokens'], token),
  /**
   * Makes a token. The first token of a store makes its servers ask every caller for one, so it must have the role
   * `admin` for all queues, and no expiry. @throws {OJSAPIError} `conflict` for another first token;
   * {OJSValidationError}
   */
  createToken: (request: TokenRequest) => {
    checkNames(request, requestNames);
    const { name, roles, queues, redact, expiresAt } = request;
    const body = {
      name,
      roles,
      ...(queues !== undefined && { queues }),
      ...(redact !== undefined && { redact }),
      ...(expiresAt !== undefined && { expires_at: timestamp(expiresAt, 'expiresAt') }),
    };
    return change({ operation: 'token.create', body: JSON.stringify(body) }, issued);
  },
  /**
   * Gives a token a new secret (ojs-security §6.4). The old one stays valid for `grace` more, an ISO 8601 duration of
   * at most 30 days; default `PT24H`. @throws {JobNotFoundError} for an unknown or revoked token.
   */
  rotateToken: (tokenId: string, grace?: `P${string}`) =>
    change({ operation: 'token.rotate', params: { id: tokenId }, body: JSON.stringify({ grace }) }, issued),
  /**
   * Ends a token: every server of the store refuses it within 5 s.
   * @throws {OJSAPIError} `conflict` for the last token that may manage tokens without `force`; {JobNotFoundError} for
   * an unknown token.
   */
  revokeToken: {
    names: revokeNames,
    make: (tokenId: string, { force }: RevokeTokenOptions) =>
      read(
        { operation: 'token.revoke', params: { id: tokenId }, ...(force === true && { query: { force: 'true' } }) },
        (body) => token(body.token),
      ),
  },
};
