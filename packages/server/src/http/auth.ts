import { createHash, timingSafeEqual } from 'node:crypto';
import { accessOf, type Grant, grants, type OperationName, ProtocolError, type Right, rolesWith } from '@ojs-ts/core';
import type { FastifyRequest } from 'fastify';
import type { Binding } from '../binding/binding.ts';
import { asksForWebSocket, authorizationOf } from './realtime/upgrade.ts';
import type { Token } from './tokens.ts';

type Tokens = Binding['engine']['tokens'];

/** Whose token a request carries. */
export interface Holder {
  /** Stays the same for a token, on every server and after a restart; the token does not follow from it. */
  readonly name: string;
  readonly grant: Grant;
  /** Of a token of the store. */
  readonly tokenId: string | null;
}

/**
 * Checks bearer tokens against rights: those of the configuration, and those of the store. A comparison of digests
 * takes the same time for any input.
 */
export class Authorization {
  readonly #configured: readonly { readonly digest: Buffer; readonly holder: Holder }[];
  readonly #stored: Tokens;

  constructor(configured: readonly Token[], stored: Tokens) {
    this.#configured = configured.map(({ secret, roles }) => ({
      digest: sha256(secret),
      holder: { name: nameOf(secret), grant: { roles, queues: ['*'] }, tokenId: null },
    }));
    this.#stored = stored;
  }

  /** False where everybody may do everything. */
  get isOn(): boolean {
    return this.#configured.length > 0 || this.#stored.exist;
  }

  /** Null for everything but a token of the configuration, or one of the store that was verified lately. */
  async known(header: string | undefined): Promise<Holder | null> {
    const sent = this.isOn ? sentToken(header) : undefined;
    if (sent === undefined) return null;
    const digest = sha256(sent);
    const matches = this.#configured.map((one) => timingSafeEqual(one.digest, digest));
    const configured = this.#configured[matches.indexOf(true)];
    return configured?.holder ?? holderOf(await this.#stored.verified(sent));
  }

  /** Null for everything but a token of the store; takes some 10 ms of a thread. */
  async verify(header: string | undefined): Promise<Holder | null> {
    const sent = this.isOn ? sentToken(header) : undefined;
    return sent === undefined ? null : holderOf(await this.#stored.verify(sent));
  }

  /** Whether a caller that was let in before would still be. */
  admits(holder: Holder | null): boolean {
    if (!this.isOn) return true;
    return holder !== null && (holder.tokenId === null || this.#stored.isUsable(holder.tokenId));
  }

  /**
   * Throws `unauthenticated` without a known token, `permission_denied` where it lacks the right. Queues are checked by
   * the binding.
   */
  check(request: FastifyRequest, right: Right | 'open'): void {
    if (right === 'open' || !this.isOn) return;
    const { holder } = request;
    if (holder === null) {
      const header = credentialOf(request);
      throw new ProtocolError(
        'unauthenticated',
        sentToken(header) === undefined
          ? `Authorization: expected Bearer and a token, got ${header === undefined ? 'no such header' : 'something else'}.`
          : "The token is none of those in the server's --token, --token-file, OJS_TOKEN or OJS_TOKEN_FILE, and none that its store knows and that has not ended.",
      );
    }
    if (!grants(holder.grant, right)) {
      throw new ProtocolError(
        'permission_denied',
        `The token lacks the right to ${right}, which has ${rolesWith(right).join(', ')}; its roles are ${holder.grant.roles.join(', ')}.`,
        { right, roles: holder.grant.roles },
      );
    }
  }

  checkCall(request: FastifyRequest, operation: OperationName): void {
    this.check(request, accessOf[operation].right);
  }
}

/** What a request sends as its token: in the header, or in a subprotocol of a WebSocket. */
export function credentialOf({ raw }: FastifyRequest): string | undefined {
  return asksForWebSocket(raw) ? authorizationOf(raw.headers) : raw.headers.authorization;
}

function holderOf(stored: Awaited<ReturnType<Tokens['verify']>>): Holder | null {
  return stored && { name: `token_${stored.id}`, grant: stored, tokenId: stored.id };
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
