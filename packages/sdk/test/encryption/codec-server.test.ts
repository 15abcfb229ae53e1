import { expect, test } from 'vitest';
import { toBase64 } from '../../src/base64.ts';
import { encodeArgs } from '../../src/encryption/envelope.ts';
import { CodecChain, codecServer, EncryptionCodec, GzipCodec } from '../../src/encryption/index.ts';

const codec = new CodecChain([new GzipCodec(), new EncryptionCodec(new Uint8Array(32).fill(1), 'one')]);
const serve = codecServer({ codec, authorize: (request) => request.headers.get('authorization') === 'Bearer good' });

function ask(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return serve(
    new Request(`https://codec.example${path}`, {
      method: 'POST',
      body: text,
      headers: { authorization: 'Bearer good' },
      ...init,
    }),
  );
}

const text = (value: unknown) => toBase64(new TextEncoder().encode(JSON.stringify(value)));

test('the codec server decodes and encodes payloads of a job', async () => {
  const { args, meta } = await encodeArgs(codec, ['a'.repeat(3_000)], {});
  const [{ data, encoding }] = args as [{ data: string; encoding: string }];
  const metadata = { encoding, encryption_key_id: meta['ojs.codec.key_id'] };
  const decoded = await ask('/codec/decode', { payloads: [{ data, metadata }] });
  expect(await decoded.json()).toEqual({
    payloads: [{ data: text(['a'.repeat(3_000)]), metadata: { encoding: 'json/plain' } }],
  });
  const encoded: unknown = await (
    await ask('/ojs/codec/encode', { payloads: [{ data: text([1]), metadata: { encoding: 'json/plain' } }] })
  ).json();
  expect(encoded).toMatchObject({
    payloads: [{ metadata: { encoding: 'binary/encrypted', encryption_key_id: 'one' } }],
  });
  expect(await (await ask('/codec/decode', encoded)).json()).toEqual({
    payloads: [{ data: text([1]), metadata: { encoding: 'json/plain' } }],
  });
});

test.each([
  ['nobody', '/codec/decode', { payloads: [] }, { headers: {} }, 401],
  ['another path', '/codec/x', {}, {}, 404],
  ['another method', '/codec/decode', '', { method: 'PUT' }, 405],
  ['no JSON', '/codec/decode', '{', {}, 400],
  ['no payloads', '/codec/decode', {}, {}, 400],
  ['not valid base64', '/codec/decode', { payloads: [{ data: '%' }] }, {}, 422],
  [
    'an unknown key',
    '/codec/decode',
    {
      payloads: [
        {
          data: toBase64(new Uint8Array(40).fill(1)),
          metadata: { encoding: 'binary/encrypted', encryption_key_id: 'x' },
        },
      ],
    },
    {},
    422,
  ],
])('%s is refused', async (_name, path, body, init, status) => {
  const answer = await ask(path, body, init);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } });
});

test('a rejected authorize() gets 401', async () => {
  const broken = codecServer({
    codec,
    authorize: () => {
      throw new Error('down');
    },
  });
  expect((await broken(new Request('https://codec.example/codec/decode', { method: 'POST', body: '{}' }))).status).toBe(
    401,
  );
});
