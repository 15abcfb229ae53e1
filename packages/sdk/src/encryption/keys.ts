import { fromBase64 } from '../base64.ts';
import { OJSValidationError } from '../errors.ts';

/** The platform's type of a WebCrypto key. */
export type WebCryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** 32 bytes, or a WebCrypto key for AES-GCM. */
export type EncryptionKey = Uint8Array | WebCryptoKey;

/** Provides encryption keys. The codec asks it for every job, so a provider that calls a service should cache. */
export interface KeyProvider {
  /** The id of the key for new jobs. */
  currentKeyId(): string | Promise<string>;
  /** Returns undefined for an unknown id. */
  key(id: string): EncryptionKey | undefined | Promise<EncryptionKey | undefined>;
}

const keyBytes = 32;

/**
 * A provider of fixed keys. To rotate, add a key and make it the current one. Keep old keys until no stored job needs
 * them (ojs-encryption §10.1).
 * @param keys 32 bytes each, as bytes or as base64, for example from an environment variable.
 * @throws {OJSValidationError} for a key of another size, or if the current id has no key.
 */
export function keyring(currentKeyId: string, keys: Readonly<Record<string, EncryptionKey | string>>): KeyProvider {
  const byId = new Map(Object.entries(keys).map(([id, key]) => [id, readKey(key, `keys[${JSON.stringify(id)}]`)]));
  if (!byId.has(currentKeyId))
    throw OJSValidationError.of('currentKeyId', `there is no key ${JSON.stringify(currentKeyId)}`);
  return { currentKeyId: () => currentKeyId, key: (id) => byId.get(id) };
}

export function readKey(key: EncryptionKey | string, path: string): EncryptionKey {
  const read = typeof key === 'string' ? fromBase64(key) : key;
  if (read instanceof Uint8Array && read.length !== keyBytes)
    throw OJSValidationError.of(path, `expected ${keyBytes} bytes, got ${read.length}`);
  if (read === null) throw OJSValidationError.of(path, `expected ${keyBytes} bytes, as bytes or base64`);
  return read;
}
