import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { type Clock, isObject, type Millis } from '@ojs-ts/core';
import type { Binding } from '../../binding/binding.ts';

/** How long a session lasts, in seconds. Using it does not prolong it. */
const lifetimeSeconds = 12 * 3_600;
const cipherName = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** A browser takes this name only over HTTPS, for the whole host, and from no other host. */
const hostName = '__Host-ojs_session';
const namePattern = /^(?:__Host-ojs_session|ojs_session_[\w-]{8})$/;

/** A login of the dashboard. The cookie holds it, sealed: servers keep nothing about it. */
export interface Session {
  readonly token: string;
  /** Begins and ends with a slash. */
  readonly basePath: string;
  readonly endsAt: Millis;
}

interface Cookie {
  readonly name: string;
  readonly session: Session;
}

/**
 * Cookies with a token in them, sealed with AES-256-GCM under a key of the store. So only servers of the store read
 * them, and a token is checked with every request as if it came in a header.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #key: Buffer;
  readonly #nameKey: Buffer;

  constructor(deriveKey: Binding['engine']['deriveKey'], clock: Clock) {
    this.#clock = clock;
    this.#key = deriveKey('dashboard session');
    this.#nameKey = deriveKey('dashboard session name');
  }

  begin(token: string, basePath: string): Session {
    return { token, basePath, endsAt: this.#clock.now() + lifetimeSeconds * 1_000 };
  }

  /** The value of `Set-Cookie` that keeps a session. */
  cookieOf(session: Session, isSecure: boolean): string {
    const name = isSecure && session.basePath === '/' ? hostName : this.#nameAt(session.basePath);
    return cookieText(name, this.#seal(session), session.basePath, lifetimeSeconds, isSecure);
  }

  /** The values of `Set-Cookie` that end all sessions of a `Cookie` header. */
  endings(header: string | undefined, isSecure: boolean): readonly string[] {
    return this.#cookies(header).map(({ name, session }) =>
      cookieText(name, '', session.basePath, 0, isSecure || name === hostName),
    );
  }

  /** The session of a `Cookie` header: of several the first that opens. Null for none that has not ended. */
  find(header: string | undefined): Session | null {
    return this.#cookies(header)[0]?.session ?? null;
  }

  /**
   * Sessions that open. First that of the name which only this host can have set, then in the order of the browser,
   * which has longer paths first (RFC 6265 §5.4).
   */
  #cookies(header = ''): readonly Cookie[] {
    const found = header.split(';').flatMap((part) => {
      const [name = '', value = ''] = part.trim().split('=', 2);
      if (!namePattern.test(name)) return [];
      const session = this.#open(value);
      return session === null ? [] : [{ name, session }];
    });
    return found.toSorted((one, other) => Number(other.name === hostName) - Number(one.name === hostName));
  }

  /**
   * Browsers do not separate cookies by port: with the store's key in the digest, servers of two stores at two ports of
   * a host have two names.
   */
  #nameAt(basePath: string): string {
    return `ojs_session_${createHmac('sha256', this.#nameKey).update(basePath).digest('base64url').slice(0, 8)}`;
  }

  #seal({ token, basePath, endsAt }: Session): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(cipherName, this.#key, nonce, { authTagLength: tagBytes });
    const sealed = cipher.update(JSON.stringify({ token, basePath, endsAt }), 'utf8');
    return Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  #open(value: string): Session | null {
    const bytes = Buffer.from(value, 'base64url');
    if (bytes.length <= nonceBytes + tagBytes) return null;
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv(cipherName, this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      const opened = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      const session = readSession(JSON.parse(opened.toString('utf8')));
      return session !== null && session.endsAt > this.#clock.now() ? session : null;
    } catch {
      // Sealed by another store, or changed.
      return null;
    }
  }
}

function readSession(value: unknown): Session | null {
  if (!isObject(value)) return null;
  const { token, basePath, endsAt } = value;
  return typeof token === 'string' && typeof basePath === 'string' && typeof endsAt === 'number'
    ? { token, basePath, endsAt }
    : null;
}

function cookieText(name: string, value: string, path: string, maxAge: number, isSecure: boolean): string {
  const attributes = `Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax`;
  return `${name}=${value}; ${attributes}${isSecure ? '; Secure' : ''}`;
}
