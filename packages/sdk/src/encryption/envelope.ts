import { isObject } from '@ojs-ts/core';
import { fromBase64, toBase64 } from '../base64.ts';
import { compact, type JsonArray, type Meta, textOf, textsOf, type Wire } from '../json.ts';
import type { CodecChain, Encoded } from './chain.ts';
import { CodecError, plain } from './payload.ts';

/** The meta key that lists the codecs of a job's args (ojs-encryption §5.3). */
const encodingsKey = 'ojs.codec.encodings';
const keyIdKey = 'ojs.codec.key_id';
/** The meta key of the nonce in jobs of the published Python and JavaScript SDKs. */
const nonceKey = 'ojs.codec.nonce';

/** Encoded args, with the meta that says how they were encoded. */
export interface EncodedArgs {
  readonly args: JsonArray;
  readonly meta: Meta;
}

/**
 * Encodes args into one element, and adds the meta that describes it (ojs-encryption §5.2).
 * @throws {CodecError} if a codec fails.
 */
export async function encodeArgs(chain: CodecChain, args: JsonArray, meta: Meta): Promise<EncodedArgs> {
  const encoded = await chain.encode(bytesOf(args));
  const { [keyIdKey]: _key, [nonceKey]: _nonce, ...rest } = meta;
  return {
    args: [envelope(encoded)],
    meta: { ...rest, ...compact({ [encodingsKey]: [...encoded.encodings], [keyIdKey]: encoded.keyId }) },
  };
}

export function isEncodedArgs(args: JsonArray, meta: Meta): boolean {
  return locate(args, meta) !== null;
}

/**
 * Decodes the args of a job; null if they are not encoded.
 * @throws {CodecError} if they cannot be decoded.
 */
export async function decodeArgs(chain: CodecChain, args: JsonArray, meta: Meta): Promise<JsonArray | null> {
  const encoded = locate(args, meta);
  if (encoded === null) return null;
  const decoded = jsonIn(await chain.decode(encoded));
  if (!Array.isArray(decoded)) throw new CodecError('malformed_payload', 'Encoded args hold no JSON array.');
  return decoded;
}

/** A result has no meta of its own, so its envelope holds the encodings and the key id. */
export async function encodeResult(chain: CodecChain, result: unknown): Promise<unknown> {
  const encoded = await chain.encode(bytesOf(result));
  return compact({ ...envelope(encoded), encodings: [...encoded.encodings], key_id: encoded.keyId });
}

/**
 * Decodes a result. A result that is not encoded is returned unchanged.
 * @param meta of its job, for envelopes without a key id.
 * @throws {CodecError} if it cannot be decoded.
 */
export async function decodeResult(chain: CodecChain, result: unknown, meta: Meta = {}): Promise<unknown> {
  if (!isEnvelope(result)) return result;
  return jsonIn(await chain.decode(opened(result, { ...meta, [encodingsKey]: undefined })));
}

function envelope({ data, encodings }: Encoded): Wire {
  return { ojs_encoded: true, encoding: nameOf(encodings), data: toBase64(data) };
}

/** `binary/encrypted+gzip`: the last codec's full name, then the ones inside. */
export function nameOf(encodings: readonly string[]): string {
  const [last = plain, ...inner] = encodings.toReversed();
  return [last, ...inner.map((encoding) => encoding.split('/', 1)[0])].join('+');
}

/** The inverse of {@link nameOf}. */
export function encodingsIn(name: string): readonly string[] {
  const [last = '', ...inner] = name.split('+');
  return [...inner.map((word) => (word.includes('/') ? word : `${word}/plain`)).toReversed(), last].filter(
    (encoding) => encoding !== plain,
  );
}

function isEnvelope(value: unknown): value is Wire & { data: string } {
  return isObject(value) && value.ojs_encoded === true && typeof value.data === 'string';
}

function locate(args: JsonArray, meta: Meta): Encoded | null {
  if (args.length !== 1) return null;
  const [only] = args;
  if (isEnvelope(only)) return opened(only, meta);
  return typeof only === 'string' && meta[encodingsKey] !== undefined ? bare(only, meta) : null;
}

function opened(value: Wire & { data: string }, meta: Meta): Encoded {
  return {
    data: bytesIn(value.data),
    encodings: textsOf(value.encodings) ?? listed(meta) ?? encodingsIn(textOf(value.encoding) ?? ''),
    keyId: textOf(value.key_id) ?? textOf(meta[keyIdKey]),
  };
}

/** The form of the published SDKs: `args: [base64 of ciphertext and tag]`, and the nonce in meta. */
function bare(text: string, meta: Meta): Encoded {
  const sealed = bytesIn(text);
  const nonce = textOf(meta[nonceKey]);
  return {
    data: nonce === undefined ? sealed : Uint8Array.of(0x01, ...bytesIn(nonce), ...sealed),
    encodings: listed(meta) ?? [],
    keyId: textOf(meta[keyIdKey]),
  };
}

function listed(meta: Meta): readonly string[] | undefined {
  const value = meta[encodingsKey];
  return typeof value === 'string' ? [value] : textsOf(value);
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function bytesIn(text: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === null) throw new CodecError('malformed_payload', 'An encoded payload is not valid base64.');
  return bytes;
}

/** The message of JSON.parse quotes the text, so it is dropped: the text is plaintext. */
function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new CodecError('malformed_payload', 'A decoded payload is not valid JSON.');
  }
}
