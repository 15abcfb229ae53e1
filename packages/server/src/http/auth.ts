import { createHash, timingSafeEqual } from 'node:crypto';
import { type Clock, type Millis, ProtocolError } from '@ojs-ts/core';
import { type Grant, grants, lacksRight, type Right, tokenPrincipal } from '@ojs-ts/core/access';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import type { FastifyRequest } from 'fastify';
import type { Binding } from '../binding/binding.ts';
import type { Session } from './dashboard/sessions.ts';
import type { Token } from './tokens.ts';

type Tokens = Binding['engine']['tokens'];

/** The part of a request that identifies its caller. */
export interface Credential {
  /** In the form of an Authorization header. */
  readonly header: string;
  /** The session of the cookie that it comes from; null for a header. */
  readonly session: Session | null;
}

/** Whose token a request carries. */
export interface Holder {
  /** Stays the same for a token, on every server and after a restart; the token does not follow from it. */
  readonly name: string;
  readonly grant: Grant;
  /** The token of the store, and its secret, that let the caller in; null for a token of the configuration. */
  readonly stored: { readonly id: string; readonly sent: string } | null;
  /** When the session that the token came from ends; null for none. */
  readonly endsAt: Millis | null;
}

/**
 * Checks bearer tokens against rights: those of the configuration, and those of the store. A comparison of digests
 * takes the same time for any input.
 */
export class Authorization {
  readonly #configured: readonly { readonly digest: Buffer; readonly holder: Holder }[];
  readonly #stored: Tokens;
  readonly #clock: Clock;

  constructor(configured: readonly Token[], stored: Tokens, clock: Clock) {
    this.#configured = configured.map(({ secret, roles }) => ({
      digest: sha256(secret),
      holder: { name: nameOf(secret), grant: { roles, queues: ['*'] }, stored: null, endsAt: null },
    }));
    this.#stored = stored;
    this.#clock = clock;
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

  /** Returns the store's record of a token that was refused. */
  claimed(header: string): ReturnType<Tokens['claimed']> {
    return this.#stored.claimed(sentToken(header) ?? '');
  }

  /** Reports whether a caller that was let in before would still be. */
  admits(holder: Holder | null): boolean {
    if (!this.isOn) return true;
    if (holder === null || (holder.endsAt !== null && holder.endsAt <= this.#clock.now())) return false;
    return holder.stored === null || this.#stored.isStillUsable(holder.stored);
  }

  /**
   * Throws `unauthenticated` without a known token, `permission_denied` where it lacks the right. Queues are checked by
   * the binding.
   */
  check(request: FastifyRequest, right: Right | 'open'): void {
    if (right === 'open' || !this.isOn) return;
    const { holder, credential } = request;
    if (holder === null) throw new ProtocolError('unauthenticated', strangerText(credential));
    if (!grants(holder.grant, right)) throw lacksRight(holder.grant, right);
  }

  checkCall(request: FastifyRequest, operation: OperationName): void {
    this.check(request, operations[operation].right);
  }
}

function strangerText(credential: Credential | null): string {
  if (credential === null) return 'No token was sent.';
  if (sentToken(credential.header) === undefined)
    return 'The Authorization header is not of the form "Bearer TOKEN", with one space and no quotes.';
  if (credential.session !== null) return 'The token of this session was revoked or has expired. Log in again.';
  return 'Unknown, revoked or expired token.';
}

function holderOf(stored: Awaited<ReturnType<Tokens['verify']>>): Holder | null {
  return stored && { name: tokenPrincipal(stored.id), grant: stored, stored, endsAt: null };
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
