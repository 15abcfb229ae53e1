import { createHash, timingSafeEqual } from 'node:crypto';
import { OjsFault, type Scope } from '@ojs-ts/core';

export type TokenScope = Exclude<Scope, 'open'>;

export interface Token {
  readonly secret: string;
  readonly scopes: readonly TokenScope[];
}

const allScopes: readonly TokenScope[] = ['enqueue', 'work', 'admin'];
const minLength = 8;

/** `SECRET` allows everything, `enqueue,work:SECRET` what it names. Throws where the secret is too short to be one. */
export function parseToken(text: string): Token {
  const colon = text.indexOf(':');
  const named = colon < 0 ? [] : text.slice(0, colon).split(',');
  const scoped = named.length > 0 && named.every((name): name is TokenScope => (allScopes as readonly string[]).includes(name));
  const token = scoped ? { secret: text.slice(colon + 1), scopes: named } : { secret: text, scopes: allScopes };
  if (token.secret.length < minLength) throw new Error(`a token needs at least ${minLength} characters, as in --token enqueue,work:SECRET`);
  return token;
}

/** Checks bearer tokens against scopes; comparing digests takes the same time whatever was sent. */
export class Authorization {
  readonly #tokens: readonly { readonly digest: Buffer; readonly scopes: readonly TokenScope[] }[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens.map(({ secret, scopes }) => ({ digest: sha256(secret), scopes }));
  }

  /** Throws `unauthenticated` without a known token, `permission_denied` where it lacks the scope. No tokens: everything is allowed. */
  check(header: string | undefined, scopes: readonly Scope[]): void {
    if (this.#tokens.length === 0 || scopes.includes('open')) return;
    const sent = sentToken(header);
    if (sent === undefined) throw new OjsFault('unauthenticated', 'This server asks for a token.');
    const token = this.#tokens[this.#indexOf(sent)];
    if (token === undefined) throw new OjsFault('unauthenticated', 'The token is not known to this server.');
    if (!token.scopes.includes('admin') && !token.scopes.some((scope) => scopes.includes(scope))) {
      throw new OjsFault('permission_denied', `The token lacks the scope ${scopes.join(' or ')}.`);
    }
  }

  /** A name for the holder of a known token; null for everybody else. */
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
