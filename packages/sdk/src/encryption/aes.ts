import { type EncryptionKey, type KeyProvider, keyring, readKey, type WebCryptoKey } from './keys.ts';
import { CodecError, type Payload, type PayloadCodec, plain } from './payload.ts';

const version = 0x01;
const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM with a random nonce per payload: `[0x01][12 nonce][ciphertext][16 tag]` (ojs-encryption §6, ENC-002). */
export class EncryptionCodec implements PayloadCodec {
  readonly encoding = 'binary/encrypted';
  readonly #keys: KeyProvider;
  readonly #imported = new WeakMap<Uint8Array, Promise<WebCryptoKey>>();

  /** @throws {OJSValidationError} for a key that is not 32 bytes. */
  constructor(key: EncryptionKey | string, keyId: string);
  constructor(keys: KeyProvider);
  constructor(keys: KeyProvider | EncryptionKey | string, keyId?: string) {
    this.#keys = isProvider(keys) ? keys : keyring(keyId ?? 'default', { [keyId ?? 'default']: keys });
  }

  /** Encrypts with the current key and a random nonce. */
  async encode({ data }: Payload): Promise<Payload> {
    const id = await this.#keys.currentKeyId();
    const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, await this.#key(id), owned(data));
    const packed = new Uint8Array(1 + nonceBytes + sealed.byteLength);
    packed[0] = version;
    packed.set(nonce, 1);
    packed.set(new Uint8Array(sealed), 1 + nonceBytes);
    return { data: packed, metadata: { encoding: this.encoding, encryption_key_id: id } };
  }

  /**
   * Decrypts with the key that the payload names.
   * @throws {CodecError} with any of its codes.
   */
  async decode({ data, metadata }: Payload): Promise<Payload> {
    const id = metadata.encryption_key_id;
    if (id === undefined)
      throw new CodecError('malformed_payload', 'An encrypted payload names no key: ojs.codec.key_id is missing.');
    if (data.length < 1 + nonceBytes + tagBytes) {
      throw new CodecError(
        'malformed_payload',
        `An encrypted payload has ${data.length} bytes; at least ${1 + nonceBytes + tagBytes} are expected.`,
      );
    }
    if (data[0] !== version)
      throw new CodecError(
        'unknown_encoding',
        `An encrypted payload has version ${data[0]}; this SDK supports ${version}.`,
      );
    const key = await this.#key(id);
    const iv = owned(data.subarray(1, 1 + nonceBytes));
    try {
      const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, owned(data.subarray(1 + nonceBytes)));
      return { data: new Uint8Array(opened), metadata: { encoding: plain } };
    } catch {
      throw new CodecError(
        'decryption_failed',
        `A payload cannot be decrypted with key ${JSON.stringify(id)}: it was changed, or encrypted with another key.`,
      );
    }
  }

  async #key(id: string): Promise<WebCryptoKey> {
    const found = await this.#keys.key(id);
    if (found === undefined) throw new CodecError('unknown_key', `There is no key ${JSON.stringify(id)}.`);
    const key = readKey(found, `key ${JSON.stringify(id)}`);
    if (!(key instanceof Uint8Array)) return key;
    const cached = this.#imported.get(key);
    if (cached !== undefined) return cached;
    const imported = crypto.subtle.importKey('raw', owned(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
    this.#imported.set(key, imported);
    return imported;
  }
}

function isProvider(value: KeyProvider | EncryptionKey | string): value is KeyProvider {
  return typeof value === 'object' && 'currentKeyId' in value;
}

/** WebCrypto accepts no views of shared memory. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
