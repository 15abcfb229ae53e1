import { createHash, timingSafeEqual } from 'node:crypto';
import { ProtocolError, type Scope, type TokenScope } from '@ojs-ts/core';
import type { FastifyRequest } from 'fastify';
import { asksForWebSocket, authorizationOf } from './realtime/upgrade.ts';
import type { Token } from './tokens.ts';

/** Whose token a request carries. */
export interface Holder {
  /** Stays the same for a token, on every server and after a restart; the token does not follow from it. */
  readonly name: string;
  readonly scopes: readonly TokenScope[];
}

/** Checks bearer tokens against scopes. A comparison of digests takes the same time for any input. */
export class Authorization {
  readonly #tokens: readonly { readonly digest: Buffer; readonly holder: Holder }[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens.map(({ secret, scopes }) => ({
      digest: sha256(secret),
      holder: { name: nameOf(secret), scopes },
    }));
  }

  /** False where everybody may do everything. */
  get isOn(): boolean {
    return this.#tokens.length > 0;
  }

  /** Null for everything but a known token. */
  holder(header: string | undefined): Holder | null {
    const sent = this.isOn ? sentToken(header) : undefined;
    if (sent === undefined) return null;
    const digest = sha256(sent);
    const matches = this.#tokens.map((one) => timingSafeEqual(one.digest, digest));
    return this.#tokens[matches.indexOf(true)]?.holder ?? null;
  }

  /** Throws `unauthenticated` without a known token, `permission_denied` where it lacks the scope. */
  check(request: FastifyRequest, scopes: readonly Scope[]): void {
    if (!this.isOn || scopes.includes('open')) return;
    const { holder } = request;
    if (holder === null) {
      const header = credentialOf(request);
      throw new ProtocolError(
        'unauthenticated',
        sentToken(header) === undefined
          ? `Authorization: expected Bearer and a token, got ${header === undefined ? 'no such header' : 'something else'}.`
          : "The token is none of those in the server's --token, --token-file, OJS_TOKEN or OJS_TOKEN_FILE.",
      );
    }
    if (!holder.scopes.includes('admin') && !holder.scopes.some((scope) => scopes.includes(scope))) {
      throw new ProtocolError(
        'permission_denied',
        `The token lacks the scope ${scopes.join(' or ')}; it has ${holder.scopes.join(', ')}.`,
      );
    }
  }
}

/** What a request sends as its token: in the header, or in a subprotocol of a WebSocket. */
export function credentialOf({ raw }: FastifyRequest): string | undefined {
  return asksForWebSocket(raw) ? authorizationOf(raw.headers) : raw.headers.authorization;
}

/** 96 bits of a digest that is no digest of the token alone. */
function nameOf(secret: string): string {
  return sha256(`holder\n${secret}`).toString('base64url').slice(0, 16);
}

function sentToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
