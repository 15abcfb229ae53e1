import { createHash, timingSafeEqual } from 'node:crypto';
import { didYouMean, ProtocolError, type Scope } from '@ojs-ts/core';

export type TokenScope = Exclude<Scope, 'open'>;

export interface Token {
  readonly secret: string;
  readonly scopes: readonly TokenScope[];
}

const allScopes: readonly TokenScope[] = ['enqueue', 'work', 'admin'];
const minLength = 8;

/**
 * `SECRET` allows everything, `enqueue,work:SECRET` what it names. What stands before the first colon is scopes, so a
 * secret with a colon of its own is written behind some: `admin:SE:CRET`. Throws for an unknown scope, and where the
 * secret is too short to be one.
 */
export function parseToken(text: string): Token {
  const colon = text.indexOf(':');
  const token =
    colon < 0
      ? { secret: text, scopes: allScopes }
      : { secret: text.slice(colon + 1), scopes: text.slice(0, colon).split(',').map(readScope) };
  if (token.secret.length < minLength)
    throw new Error(`a token needs at least ${minLength} characters, as in --token enqueue,work:SECRET`);
  return token;
}

function readScope(name: string): TokenScope {
  const scope = allScopes.find((one) => one === name);
  if (scope !== undefined) return scope;
  // Anything but a word may be a part of a secret, which must not be printed.
  const given = /^[a-z]{1,16}$/i.test(name) ? `unknown scope ${name}` : 'the text before the colon is no scope';
  throw new Error(
    `token: ${given}; expected ${allScopes.join(', ')}.${didYouMean(name, allScopes)} Write a secret with a colon after a scope: admin:SECRET`,
  );
}

/** Checks bearer tokens against scopes. A comparison of digests takes the same time for any input. */
export class Authorization {
  readonly #tokens: readonly { readonly digest: Buffer; readonly scopes: readonly TokenScope[] }[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens.map(({ secret, scopes }) => ({ digest: sha256(secret), scopes }));
  }

  /**
   * Throws `unauthenticated` without a known token, `permission_denied` where it lacks the scope. No tokens: everything
   * is allowed.
   */
  check(header: string | undefined, scopes: readonly Scope[]): void {
    if (this.#tokens.length === 0 || scopes.includes('open')) return;
    const sent = sentToken(header);
    if (sent === undefined)
      throw new ProtocolError(
        'unauthenticated',
        `Authorization: expected Bearer and a token, got ${header === undefined ? 'no such header' : 'something else'}.`,
      );
    const token = this.#tokens[this.#indexOf(sent)];
    if (token === undefined)
      throw new ProtocolError('unauthenticated', "The token is none of those in the server's --token or OJS_TOKEN.");
    if (!token.scopes.includes('admin') && !token.scopes.some((scope) => scopes.includes(scope))) {
      throw new ProtocolError(
        'permission_denied',
        `The token lacks the scope ${scopes.join(' or ')}; it has ${token.scopes.join(', ')}.`,
      );
    }
  }

  /** A name for the holder of a known token; null for all others. */
  holder(header: string | undefined): string | null {
    const sent = this.#tokens.length === 0 ? undefined : sentToken(header);
    const index = sent === undefined ? -1 : this.#indexOf(sent);
    return index < 0 ? null : `token ${index}`;
  }

  #indexOf(sent: string): number {
    const digest = sha256(sent);
    return this.#tokens.map((one) => timingSafeEqual(one.digest, digest)).indexOf(true);
  }
}

function sentToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
