import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase64, toBase64 } from '../../src/base64.ts';
import {
  decodeArgs,
  decodeResult,
  encodeArgs,
  encodeResult,
  encodingsIn,
  nameOf,
} from '../../src/encryption/envelope.ts';
import {
  CodecChain,
  CodecError,
  EncryptionCodec,
  GzipCodec,
  keyring,
  type PayloadCodec,
} from '../../src/encryption/index.ts';
import { OJSValidationError } from '../../src/index.ts';

const key = new TextEncoder().encode('32-byte-encryption-key-here!!!!!');
const other = new Uint8Array(32).fill(7);
const codec = new CodecChain([new GzipCodec(), new EncryptionCodec(key, 'key-2026-02')]);
const secret = 'card 4111111111111111';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CodecError)) throw error;
  expect(error.message).not.toContain('4111');
  expect(error.cause).toBeUndefined();
  return error.code;
}

/** What JSON makes of a value: −0 becomes 0. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('round trips', () => {
  const chains = [
    ['encryption', codec],
    ['gzip alone, always', new CodecChain([new GzipCodec({ minBytes: 0 })])],
    ['encryption, then gzip', new CodecChain([new EncryptionCodec(key, 'k'), new GzipCodec({ minBytes: 0 })])],
    ['twice', new CodecChain([new EncryptionCodec(key, 'k'), new EncryptionCodec(key, 'k')])],
  ] as const;

  test.each(chains)('%s: any args and any result', async (_name, chain) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.jsonValue(), async (args, result) => {
        const encoded = await encodeArgs(chain, args, { user: 7 });
        expect(await decodeArgs(chain, encoded.args, encoded.meta)).toEqual(asJson(args));
        const overWire = asJson(await encodeResult(chain, result));
        expect(await decodeResult(chain, overWire)).toEqual(asJson(result));
      }),
      { numRuns: 60 },
    );
  });

  test('args that look encoded survive the round trip', async () => {
    const args = [{ ojs_encoded: true, encoding: 'binary/encrypted', data: 'x' }];
    const encoded = await encodeArgs(codec, args, {});
    expect(await decodeArgs(codec, encoded.args, encoded.meta)).toEqual(args);
  });

  test('2 MB, compressed', async () => {
    const args = ['é'.repeat(1_000_000)];
    const encoded = await encodeArgs(codec, args, {});
    expect(JSON.stringify(encoded.args).length).toBeLessThan(20_000);
    expect(await decodeArgs(codec, encoded.args, encoded.meta)).toEqual(args);
  });

  test('base64 of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('the form of ojs-encryption §5.2 and §6.2', () => {
  test('[0x01][nonce][ciphertext][tag] of the JSON text, readable by any AES-256-GCM', async () => {
    const { args, meta } = await encodeArgs(codec, [secret], { trace_id: 't' });
    expect(meta).toEqual({
      trace_id: 't',
      'ojs.codec.encodings': ['binary/encrypted'],
      'ojs.codec.key_id': 'key-2026-02',
    });
    expect(args).toEqual([{ ojs_encoded: true, encoding: 'binary/encrypted', data: expect.any(String) }]);
    const bytes = fromBase64((args[0] as { data: string }).data)!;
    expect(bytes[0]).toBe(1);
    expect(bytes.length).toBe(1 + 12 + JSON.stringify([secret]).length + 16);
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytes.slice(1, 13) }, imported, bytes.slice(13));
    expect(new TextDecoder().decode(opened)).toBe(JSON.stringify([secret]));
  });

  test('a nonce is never used twice', async () => {
    const nonces = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const { args } = await encodeArgs(codec, [secret], {});
        return (args[0] as { data: string }).data.slice(0, 17);
      }),
    );
    expect(new Set(nonces).size).toBe(200);
  });

  test('a chain is recorded in the order in which it was applied', async () => {
    const { args, meta } = await encodeArgs(codec, ['a'.repeat(5_000)], {});
    expect(meta['ojs.codec.encodings']).toEqual(['gzip/plain', 'binary/encrypted']);
    expect(args[0]).toMatchObject({ encoding: 'binary/encrypted+gzip' });
  });

  test('the encoding alone says enough where meta lost its list', async () => {
    const { args, meta } = await encodeArgs(codec, ['a'.repeat(5_000)], {});
    const { 'ojs.codec.encodings': _, ...rest } = meta;
    expect(await decodeArgs(codec, args, rest)).toEqual(['a'.repeat(5_000)]);
    const names = [
      [],
      ['gzip/plain'],
      ['binary/encrypted'],
      ['gzip/plain', 'binary/encrypted'],
      ['zstd/plain', 'gzip/plain', 'binary/x'],
    ];
    for (const list of names) expect(encodingsIn(nameOf(list))).toEqual(list);
  });

  test('gzip is skipped if it does not make the payload smaller', async () => {
    const random = toBase64(crypto.getRandomValues(new Uint8Array(3_000)));
    const always = new CodecChain([new GzipCodec({ minBytes: 0 })]);
    expect((await always.encode(new TextEncoder().encode('[1]'))).encodings).toEqual([]);
    expect((await codec.encode(crypto.getRandomValues(new Uint8Array(3_000)))).encodings).toEqual(['binary/encrypted']);
    const { args, meta } = await encodeArgs(always, [1], {});
    expect(await decodeArgs(always, args, meta)).toEqual([1]);
    expect(await decodeArgs(codec, (await encodeArgs(codec, [random], {})).args, {}).catch((error) => error.code)).toBe(
      'malformed_payload',
    );
  });
});

describe('the form of the published Python and JavaScript SDKs', () => {
  test.each([{ encodings: ['binary/encrypted'] }, { encodings: 'binary/encrypted' }])(
    'args [base64 of ciphertext and tag], the nonce in meta, $encodings',
    async ({ encodings }) => {
      const nonce = crypto.getRandomValues(new Uint8Array(12));
      const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
      const text = new TextEncoder().encode(JSON.stringify([{ to: secret }, 2]));
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, imported, text));
      const meta = {
        'ojs.codec.encodings': encodings,
        'ojs.codec.key_id': 'key-2026-02',
        'ojs.codec.nonce': toBase64(nonce),
      };
      expect(await decodeArgs(codec, [toBase64(sealed)], meta)).toEqual([{ to: secret }, 2]);
    },
  );
});

describe('plain jobs', () => {
  test.each([
    [[]],
    [['text']],
    [[{ ojs_encoded: false, data: 'x' }]],
    [[{ ojs_encoded: true }]],
    [[1, { ojs_encoded: true, data: 'x' }]],
  ])('%j is not encoded', async (args) => {
    expect(await decodeArgs(codec, args, {})).toBeNull();
  });

  test('a plain result comes back as it is', async () => {
    const result = { ojs_encoded: 'no' };
    expect(await decodeResult(codec, result)).toBe(result);
  });
});

describe('what cannot be read says why, without a word of the payload', () => {
  const sealed = () => encodeArgs(codec, [secret], {});

  test('every changed byte and every truncation is refused', async () => {
    const { args, meta } = await sealed();
    const bytes = fromBase64((args[0] as { data: string }).data)!;
    const read = (data: Uint8Array) =>
      decodeArgs(codec, [{ ojs_encoded: true, encoding: 'binary/encrypted', data: toBase64(data) }], meta);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = changed[at]! ^ 0x40;
      expect(await codeOf(read(changed))).toBe(at === 0 ? 'unknown_encoding' : 'decryption_failed');
      expect(await codeOf(read(bytes.slice(0, at)))).toBe(at < 29 ? 'malformed_payload' : 'decryption_failed');
    }
  });

  test.each([
    ['another key under the id', { keys: keyring('key-2026-02', { 'key-2026-02': other }) }, 'decryption_failed'],
    ['no such key', { keys: keyring('new', { new: other }) }, 'unknown_key'],
  ])('%s', async (_name, { keys }, code) => {
    const { args, meta } = await sealed();
    expect(await codeOf(decodeArgs(new CodecChain([new EncryptionCodec(keys)]), args, meta))).toBe(code);
  });

  test.each([
    ['an encoding nobody knows', { 'ojs.codec.encodings': ['zstd/plain', 'binary/encrypted'] }, 'unknown_encoding'],
    ['gzip that is none', { 'ojs.codec.encodings': ['gzip/plain', 'binary/encrypted'] }, 'malformed_payload'],
    ['no key id', { 'ojs.codec.key_id': undefined }, 'malformed_payload'],
  ])('%s', async (_name, change, code) => {
    const { args, meta } = await sealed();
    expect(await codeOf(decodeArgs(codec, args, { ...meta, ...change }))).toBe(code);
  });

  test('not valid base64; no JSON inside; no array inside', async () => {
    const chain = new CodecChain([new EncryptionCodec(key, 'k')]);
    const holding = async (text: string) => {
      const { data } = await chain.encode(new TextEncoder().encode(text));
      return decodeArgs(chain, [{ ojs_encoded: true, encoding: 'binary/encrypted', data: toBase64(data) }], {
        'ojs.codec.key_id': 'k',
      });
    };
    expect(await codeOf(decodeArgs(chain, [{ ojs_encoded: true, encoding: 'binary/encrypted', data: '%' }], {}))).toBe(
      'malformed_payload',
    );
    expect(await codeOf(holding(secret))).toBe('malformed_payload');
    expect(await codeOf(holding(JSON.stringify({ secret })))).toBe('malformed_payload');
  });

  test('a compressed payload beyond maxBytes is refused', async () => {
    const bomb = new CodecChain([new GzipCodec({ minBytes: 0, maxBytes: 1_000_000 })]);
    const { args, meta } = await encodeArgs(bomb, ['a'.repeat(10_000_000)], {});
    expect(await codeOf(decodeArgs(bomb, args, meta))).toBe('malformed_payload');
  });
});

describe('keys', () => {
  test('after a rotation new jobs use the new key, and old jobs are still readable', async () => {
    const old = keyring('2025', { 2025: key });
    const both = keyring('2026', { 2025: key, 2026: toBase64(other) });
    const before = await encodeArgs(new CodecChain([new EncryptionCodec(old)]), [1], {});
    const rotated = new CodecChain([new EncryptionCodec(both)]);
    const after = await encodeArgs(rotated, [2], {});
    expect([before.meta['ojs.codec.key_id'], after.meta['ojs.codec.key_id']]).toEqual(['2025', '2026']);
    expect(await decodeArgs(rotated, before.args, before.meta)).toEqual([1]);
    expect(await decodeArgs(rotated, after.args, after.meta)).toEqual([2]);
  });

  test('a key provider may be asynchronous, and keys may come from WebCrypto', async () => {
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
    const chain = new CodecChain([
      new EncryptionCodec({ currentKeyId: async () => 'k', key: async (id) => (id === 'k' ? imported : undefined) }),
    ]);
    const { args, meta } = await encodeArgs(chain, [1], {});
    expect(await decodeArgs(chain, args, meta)).toEqual([1]);
  });

  test.each([
    ['too short', () => new EncryptionCodec(new Uint8Array(16), 'k'), 'keys["k"]: expected 32 bytes, got 16'],
    ['not valid base64', () => new EncryptionCodec('%%', 'k'), 'keys["k"]: expected 32 bytes, as bytes or base64'],
    ['no current key', () => keyring('b', { a: key }), 'currentKeyId: there is no key "b"'],
    ['no codec', () => new CodecChain([]), 'codecs: expected at least one'],
  ])('%s', (_name, make, message) => {
    expect(make).toThrow(OJSValidationError);
    expect(make).toThrow(message);
  });
});

test('a custom codec works at its position in the chain', async () => {
  const reversed: PayloadCodec = {
    encoding: 'reversed/plain',
    encode: async ({ data, metadata }) => ({
      data: data.toReversed(),
      metadata: { ...metadata, encoding: 'reversed/plain' },
    }),
    decode: async ({ data, metadata }) => ({ data: data.toReversed(), metadata }),
  };
  const chain = new CodecChain([reversed, new EncryptionCodec(key, 'k')]);
  const { args, meta } = await encodeArgs(chain, [secret], {});
  expect(meta['ojs.codec.encodings']).toEqual(['reversed/plain', 'binary/encrypted']);
  expect(await decodeArgs(chain, args, meta)).toEqual([secret]);
  expect(await codeOf(decodeArgs(new CodecChain([new EncryptionCodec(key, 'k')]), args, meta))).toBe(
    'unknown_encoding',
  );
  const reader = new CodecChain([new EncryptionCodec(key, 'k')], { readers: [reversed] });
  expect(await decodeArgs(reader, args, meta)).toEqual([secret]);
});
