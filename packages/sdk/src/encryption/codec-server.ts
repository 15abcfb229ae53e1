import { isObject, type NamesOf } from '@ojs-ts/core';
import { fromBase64, toBase64 } from '../base64.ts';
import { textOf, type Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { CodecChain } from './chain.ts';
import { encodingsIn, nameOf } from './envelope.ts';
import { CodecError, plain } from './payload.ts';

/** Options of {@link codecServer}. */
export interface CodecServerOptions {
  /** The same codecs as in the workers. */
  codec: CodecChain;
  /**
   * Decides whether the caller may see plaintext. Called for every request. If it does not return true, or rejects,
   * the answer is 401 (ojs-encryption §9.3).
   */
  authorize(request: Request): boolean | Promise<boolean>;
}

const serverNames: NamesOf<CodecServerOptions> = { codec: true, authorize: true };

/**
 * Answers `POST /codec/encode` and `POST /codec/decode` for dashboards, which have no keys (ojs-encryption §9). It is a
 * function from Request to Response: mount it under any prefix, on any platform with these types.
 * @throws {OJSValidationError} for an unknown option.
 */
export function codecServer(options: CodecServerOptions): (request: Request) => Promise<Response> {
  checkNames(options, serverNames);
  const { codec, authorize } = options;
  return async (request) => {
    const action = /\/codec\/(encode|decode)\/?$/.exec(new URL(request.url).pathname)?.[1];
    if (action === undefined) return refusal(404, 'not_found', 'expected /codec/encode or /codec/decode');
    if (request.method !== 'POST') return refusal(405, 'invalid_request', 'expected POST');
    if (!(await allowed(authorize, request))) return refusal(401, 'unauthenticated', 'not authorized');
    const body: unknown = await request.json().catch(() => undefined);
    const payloads = isObject(body) && Array.isArray(body.payloads) ? body.payloads : undefined;
    if (payloads === undefined)
      return refusal(400, 'invalid_payload', 'expected {"payloads": [{"data": base64, "metadata": {"encoding": …}}]}');
    try {
      return Response.json({ payloads: await Promise.all(payloads.map((payload) => convert(codec, action, payload))) });
    } catch (error) {
      if (error instanceof CodecError) return refusal(422, error.code, error.message);
      throw error;
    }
  };
}

async function allowed(authorize: CodecServerOptions['authorize'], request: Request): Promise<boolean> {
  try {
    return (await authorize(request)) === true;
  } catch {
    return false;
  }
}

async function convert(codec: CodecChain, action: string, payload: unknown): Promise<Wire> {
  const metadata = isObject(payload) && isObject(payload.metadata) ? payload.metadata : {};
  const data = isObject(payload) && typeof payload.data === 'string' ? fromBase64(payload.data) : null;
  if (data === null) throw new CodecError('malformed_payload', 'A payload has no data in base64.');
  if (action === 'encode') {
    const { data: bytes, encodings, keyId } = await codec.encode(data);
    return {
      data: toBase64(bytes),
      metadata: { encoding: nameOf(encodings), ...(keyId !== undefined && { encryption_key_id: keyId }) },
    };
  }
  const encodings = encodingsIn(textOf(metadata.encoding) ?? plain);
  return {
    data: toBase64(await codec.decode({ data, encodings, keyId: textOf(metadata.encryption_key_id) })),
    metadata: { encoding: plain },
  };
}

function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message, retryable: false } }, { status });
}
