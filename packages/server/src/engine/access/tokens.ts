import { createHash } from 'node:crypto';
import { type Clock, type Millis, ProtocolError } from '@ojs-ts/core';
import { coversEveryQueue, type Grant, grants, tokenOfPrincipal } from '@ojs-ts/core/access';
import { notFound } from '@ojs-ts/core/requests';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import { readTokenRecord, type TokenRecord, writeTokenRecord } from './token-record.ts';
import { formatToken, hashSecret, matchesHash, newSecret, newTokenId, parseTokenText } from './token-text.ts';

const kind = 'token';

/** How old the list of tokens may be, so that a revoked one opens nothing after 2 s; in milliseconds. */
export const freshTokensMs = 2_000;
/** If the store does not answer for so long, no token opens anything; in milliseconds. */
const staleMs = 5_000;
/** How long after its last use a secret that was verified needs no scrypt, in milliseconds. */
const rememberMs = 600_000;
const maxRemembered = 10_000;
/** Texts that wait for their scrypt: the last one waits about a second. */
const maxVerifying = 100;
/** A token is a document of some 500 bytes, and all of them are read every 2 s. */
const maxTokens = 1_000;

export interface TokenRequest extends Grant {
  readonly name: string;
  readonly expiresAt: Millis | null;
  readonly createdBy: string | null;
}

/** A token with its text, which is returned once. */
export interface IssuedToken {
  readonly record: TokenRecord;
  readonly token: string;
}

/** A token whose text a caller sent. */
export interface VerifiedToken extends TokenRecord {
  /** Hash of the secret in that text: after a rotation a token has two for a while. */
  readonly sent: string;
}

/**
 * The tokens of the store: documents with a hash of the secret. All servers of the store share them. A secret is
 * verified once by scrypt and then known by its digest for a while.
 */
export class Tokens {
  readonly #documents: Documents;
  readonly #clock: Clock;
  #records: ReadonlyMap<string, TokenRecord> = new Map();
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;
  /** Digests of verified tokens: the hash that each matched, and when it was last used. The least recent is first. */
  readonly #verified = new Map<string, { readonly hash: string; readonly at: Millis }>();
  readonly #verifying = new Map<string, Promise<VerifiedToken | null>>();
  /** One scrypt at a time: guesses get one thread at most. */
  #queue: Promise<unknown> = Promise.resolve();
  #exist = false;

  constructor(storage: Storage, clock: Clock) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /** True once the store was seen to have a token: from then on every caller needs one. */
  get exist(): boolean {
    return this.#exist;
  }

  /** The store was emptied. */
  forget(): void {
    this.#records = new Map();
    this.#readAt = null;
    this.#verified.clear();
    this.#exist = false;
  }

  /** Reads the tokens of the store. */
  async refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Oldest first. */
  async list(): Promise<readonly TokenRecord[]> {
    await this.refresh();
    return [...this.#records.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  /**
   * @throws ProtocolError `conflict` if the store has 1,000 tokens, or if its first one could not make others.
   */
  async create(request: TokenRequest): Promise<IssuedToken> {
    await this.#readAgain();
    if (!this.#exist && request.createdBy === null && !isWhole(request)) {
      const message =
        'The first token of a store makes its servers ask every caller for one. ' +
        'Make one with the role admin, for all queues and without an expiry, first.';
      throw new ProtocolError('conflict', message);
    }
    await this.#makeRoom();
    const [id, secret, createdAt] = [newTokenId(), newSecret(), this.#clock.now()];
    const record: TokenRecord = {
      ...request,
      id,
      createdAt,
      rotatedAt: null,
      revokedAt: null,
      hash: await hashSecret(secret),
      previous: null,
    };
    await this.#documents.put(kind, id, writeTokenRecord(record), null, createdAt);
    await this.#readAgain();
    return { record, token: formatToken({ id, secret }) };
  }

  /**
   * A new secret for a token; the old one counts for `graceMs` more (ojs-security §6.4).
   * @throws ProtocolError `not_found`, or `conflict` if another call changes it at the same time.
   */
  async rotate(id: string, graceMs: number): Promise<IssuedToken> {
    const [secret, now] = [newSecret(), this.#clock.now()];
    const hash = await hashSecret(secret);
    const record = await this.#change(id, (before) => ({
      ...before,
      hash,
      rotatedAt: now,
      previous: graceMs === 0 ? null : { hash: before.hash, until: now + graceMs },
    }));
    return { record, token: formatToken({ id, secret }) };
  }

  /** @throws ProtocolError `not_found`, or `conflict` if another call changes it at the same time. */
  revoke(id: string): Promise<TokenRecord> {
    return this.#change(id, (before) => ({ ...before, revokedAt: this.#clock.now(), previous: null }));
  }

  /** Reports whether no token of the store could manage tokens if this one ended. */
  async isLastAdmin(id: string): Promise<boolean> {
    await this.#readAgain();
    const admins = [...this.#records.values()].filter(
      (record) => isUsable(record, this.#clock.now()) && grants(record, 'access') && coversEveryQueue(record),
    );
    return admins.length === 1 && admins[0]?.id === id;
  }

  /**
   * Returns the store's record of a text that was refused, by the id in it: the caller has not proven to be its holder.
   */
  claimed(text: string): { readonly id: string; readonly name: string; readonly state: string } | null {
    const record = this.#records.get(parseTokenText(text)?.id ?? '');
    if (record === undefined) return null;
    const { id, name, revokedAt } = record;
    const state = revokedAt !== null ? 'revoked' : isUsable(record, this.#clock.now()) ? 'other secret' : 'expired';
    return { id, name, state };
  }

  async #change(id: string, decide: (before: TokenRecord) => TokenRecord): Promise<TokenRecord> {
    const documents = this.#documents;
    const document = await documents.get(kind, id);
    const before = document === null ? null : readTokenRecord(id, document.body);
    if (document === null || before === null || before.revokedAt !== null) throw notFound('token', id);
    const record = decide(before);
    if ((await documents.put(kind, id, writeTokenRecord(record), document.version, this.#clock.now())) === null)
      throw new ProtocolError(
        'conflict',
        `Another call has changed the token ${id} meanwhile; nothing was changed. Try again.`,
        { token_id: id },
      );
    await this.#readAgain();
    return record;
  }

  /** Forgets the token that was revoked first, if there are too many. */
  async #makeRoom(): Promise<void> {
    if (this.#records.size < maxTokens) return;
    const [oldest] = [...this.#records.values()]
      .filter(({ revokedAt }) => revokedAt !== null)
      .sort((a, b) => (a.revokedAt ?? 0) - (b.revokedAt ?? 0));
    if (oldest === undefined)
      throw new ProtocolError('conflict', `The store has ${maxTokens} tokens; revoke one that nobody uses.`);
    await this.#documents.remove(kind, oldest.id);
  }

  /**
   * The token with this text, if it was verified lately; null for all others.
   * @throws ProtocolError `backend_unavailable` if the store does not answer for 5 s.
   */
  async verified(text: string): Promise<VerifiedToken | null> {
    const sent = parseTokenText(text);
    if (sent === null) return null;
    await this.#freshen();
    const record = this.#usable(sent.id);
    const digest = digestOf(text);
    const known = this.#verified.get(digest);
    const now = this.#clock.now();
    if (record === null || known === undefined || now - known.at >= rememberMs) return null;
    if (!hashesOf(record, now).includes(known.hash)) return null;
    this.#remember(digest, known.hash, now);
    return { ...record, sent: known.hash };
  }

  /**
   * The token with this text; null for an unknown, expired or revoked one. Takes a scrypt.
   * @throws ProtocolError `rate_limited` if too many others wait for theirs.
   */
  async verify(text: string): Promise<VerifiedToken | null> {
    const sent = parseTokenText(text);
    const record = sent === null ? null : this.#usable(sent.id);
    if (sent === null || record === null) return null;
    const digest = digestOf(text);
    const under = this.#verifying.get(digest);
    if (under === undefined && this.#verifying.size >= maxVerifying)
      throw new ProtocolError('rate_limited', 'Too many tokens wait to be verified. Try again in 1 s.', {
        retry_after: 1,
      });
    const verifying = under ?? this.#verifyNext(sent.secret, digest, record);
    this.#verifying.set(digest, verifying);
    return verifying;
  }

  /** As of the last read, which is at most some seconds old on a server. */
  isUsable(id: string): boolean {
    return this.#usable(id) !== null;
  }

  /** Reports whether the text that was verified is still valid: a rotation ends a secret, and not its token. */
  isStillUsable({ id, sent }: Pick<VerifiedToken, 'id' | 'sent'>): boolean {
    const record = this.#usable(id);
    return record !== null && hashesOf(record, this.#clock.now()).includes(sent);
  }

  /**
   * Reports whether this is a token of the store that was revoked or has expired. Another server may have made it since
   * the last read, so a token that seems to have ended is read again.
   * @throws the error of a store that does not answer.
   */
  async hasEnded(principal: string): Promise<boolean> {
    const id = tokenOfPrincipal(principal);
    if (id === null) return false;
    await this.#freshen();
    if (this.isUsable(id)) return false;
    await this.#readAgain();
    return !this.isUsable(id);
  }

  #usable(id: string): TokenRecord | null {
    const record = this.#records.get(id);
    return record !== undefined && isUsable(record, this.#clock.now()) ? record : null;
  }

  #verifyNext(secret: string, digest: string, record: TokenRecord): Promise<VerifiedToken | null> {
    const work = this.#queue.then(() => this.#check(secret, digest, record));
    this.#queue = work.catch(() => {});
    return work.finally(() => this.#verifying.delete(digest));
  }

  async #check(secret: string, digest: string, record: TokenRecord): Promise<VerifiedToken | null> {
    const now = this.#clock.now();
    for (const hash of hashesOf(record, now)) {
      if (!(await matchesHash(secret, hash))) continue;
      this.#remember(digest, hash, now);
      return { ...record, sent: hash };
    }
    return null;
  }

  #remember(digest: string, hash: string, at: Millis): void {
    this.#verified.delete(digest);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size >= maxRemembered && oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(digest, { hash, at });
  }

  async #freshen(): Promise<void> {
    if (this.#age() < freshTokensMs) return;
    try {
      await this.refresh();
    } catch (error) {
      if (this.#age() >= staleMs) throw error;
    }
  }

  /** Milliseconds since the last read. */
  #age(): number {
    return this.#readAt === null ? Number.POSITIVE_INFINITY : Math.abs(this.#clock.now() - this.#readAt);
  }

  /** A read in flight may have begun before the change. */
  async #readAgain(): Promise<void> {
    await this.#reading?.catch(() => {});
    await this.refresh();
  }

  async #read(): Promise<void> {
    const now = this.#clock.now();
    const documents = await this.#documents.list(kind);
    this.#records = new Map(
      documents.flatMap(({ key, body }) => {
        const record = readTokenRecord(key, body);
        return record === null ? [] : [[key, record]];
      }),
    );
    this.#readAt = now;
    if (documents.length > 0) this.#exist = true;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function hashesOf({ hash, previous }: TokenRecord, now: Millis): readonly string[] {
  return previous !== null && previous.until > now ? [hash, previous.hash] : [hash];
}

function isUsable({ expiresAt, revokedAt }: TokenRecord, now: Millis): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/** Reports whether it may make other tokens, and does not expire. */
function isWhole(request: Pick<TokenRequest, 'roles' | 'queues' | 'expiresAt'>): boolean {
  return grants(request, 'access') && coversEveryQueue(request) && request.expiresAt === null;
}
