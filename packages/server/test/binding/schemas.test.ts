import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../storage/sqlite/temporary.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve, serveAll } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Shown {
  readonly uri: string;
  readonly type: string;
  readonly version: number | string;
  readonly schema: unknown;
}

const invoice = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['customer_id', 'amount'],
  properties: { customer_id: { type: 'string' }, amount: { type: 'integer', minimum: 0 } },
  additionalProperties: false,
};

describe.each(storages)('schemas on $name', (storage) => {
  const server = serveAll({ storage: storage.url() });

  /** A job type that no other test uses. */
  const newType = () => `type.t${newId().replaceAll('-', '')}`;
  const put = (type: string, version: string | number, schema: unknown, more: object = {}) =>
    call(server.url, `/admin/schemas/${type}/${version}`, { schema, ...more }, { method: 'PUT' });
  const enqueue = (type: string, args: readonly unknown[], more: object = {}) =>
    call<{
      job: { id: string };
      warnings?: string[];
      error: { code: string; message: string; details: { validation_errors: object[] } };
    }>(server.url, '/jobs', { type, args, ...more });

  describe('the surface of ojs-schema-registry §4', () => {
    test('404 for a type without schemas, 409 for the same version again', async () => {
      const type = newType();
      for (const path of ['', '/versions', '/1.0.0'])
        expect((await call(server.url, `/schemas/${type}${path}`)).status).toBe(404);
      const body = { job_type: type, version: '1.0.0', schema: invoice };
      expect((await call(server.url, '/schemas', body)).status).toBe(201);
      expect(await call(server.url, '/schemas', body)).toMatchObject({
        status: 409,
        body: { error: { code: 'conflict' } },
      });
      expect((await put(type, '1.0.0', { type: 'array' })).status).toBe(409);
    });

    test('of registrations at once one wins', async () => {
      const job_type = newType();
      const body = { job_type, version: '1.0.0', schema: invoice };
      const statuses = await Promise.all(
        Array.from({ length: 5 }, async () => (await call(server.url, '/schemas', body)).status),
      );
      expect(statuses.toSorted()).toEqual([201, 409, 409, 409, 409]);
      expect(await call(server.url, `/schemas/${job_type}`)).toMatchObject({ body: { schema: { schema: invoice } } });
    });
  });

  describe('the surface of ojs-http-binding §15', () => {
    test('registers, lists, shows and deletes by URI', async () => {
      const type = newType();
      const uri = `urn:ojs:schema:${type}:v1`;
      const schema = { type: 'array', prefixItems: [{ type: 'string' }], minItems: 1 };
      const created = await call(server.url, '/schemas', { uri, type, version: 1, schema });
      expect(created).toMatchObject({ status: 201, body: { schema: { uri, type, version: 1 } } });
      const { body } = await call<{ schemas: Shown[]; pagination: { total: number } }>(
        server.url,
        '/schemas?limit=1000',
      );
      expect(body.schemas.find((one) => one.uri === uri)).toMatchObject({ type, version: 1 });
      expect(body.schemas.find((one) => one.uri === uri)).not.toHaveProperty('schema');
      const path = `/schemas/${encodeURIComponent(uri)}`;
      expect(await call(server.url, path)).toMatchObject({
        status: 200,
        body: { schema: { uri, type, version: 1, schema } },
      });
      expect((await call(server.url, '/schemas', { uri, type: newType(), version: 1, schema })).status).toBe(409);
      expect(await call(server.url, path, undefined, { method: 'DELETE' })).toMatchObject({
        status: 200,
        body: { deleted: true, uri },
      });
      expect((await call(server.url, path)).status).toBe(404);
      expect((await call(server.url, path, undefined, { method: 'DELETE' })).status).toBe(404);
    });

    test('pages of the list follow each other', async () => {
      for (let index = 0; index < 3; index++) await put(newType(), 1, { type: 'array' });
      const seen: string[] = [];
      for (let query = '?limit=2'; query !== ''; ) {
        const { body } = await call<{ schemas: Shown[]; pagination: { next_cursor?: string; total: number } }>(
          server.url,
          `/schemas${query}`,
        );
        seen.push(...body.schemas.map(({ uri }) => uri));
        query = body.pagination.next_cursor === undefined ? '' : `?limit=2&cursor=${body.pagination.next_cursor}`;
        if (query === '') expect(seen).toHaveLength(body.pagination.total);
      }
      expect(new Set(seen).size).toBe(seen.length);
    });
  });

  describe('the surface of the official cases', () => {
    test('is flat, and counts versions as numbers', async () => {
      const type = newType();
      const schema = { type: 'array', items: [{ type: 'object', required: ['a'] }] };
      expect(await put(type, 1, schema)).toMatchObject({ status: 201, body: { type, version: 1 } });
      expect(await put(type, 2, { type: 'array' })).toMatchObject({ status: 201, body: { type, version: 2 } });
      expect(await call(server.url, `/admin/schemas/${type}`)).toMatchObject({
        status: 200,
        body: { type, version: 2, schema: { type: 'array' } },
      });
      // The original comes back, with the tuple of an older draft.
      expect(await call(server.url, `/admin/schemas/${type}/1`)).toMatchObject({ body: { version: 1, schema } });
      expect(await call(server.url, `/admin/schemas/${type}/versions`)).toMatchObject({
        body: { versions: [{ version: 2 }, { version: 1 }] },
      });
      expect((await put(type, 1, schema)).status).toBe(409);
      expect((await call(server.url, `/admin/schemas/${type}/1`, undefined, { method: 'DELETE' })).status).toBe(200);
      expect((await call(server.url, `/admin/schemas/${type}/1`, undefined, { method: 'DELETE' })).status).toBe(404);
      expect((await call(server.url, `/admin/schemas/${type}/9`)).status).toBe(404);
      expect(await call(server.url, '/admin/schemas')).toMatchObject({
        status: 200,
        body: { items: expect.any(Array) },
      });
    });

    test.each<readonly [string, string, object, string]>([
      ['no schema', '1', {}, '$.schema'],
      ['a schema that is no object', '1', { schema: 'string' }, '$.schema'],
      ['a version that is none', 'latest', { schema: {} }, '$.version'],
      ['a mode that is none', '1', { schema: {}, mode: 'loud' }, '$.mode'],
      ['a URI that is none', '1', { schema: {}, uri: 'schema one' }, '$.uri'],
      ['a type of schema that is not of JSON (SR-005)', '1', { schema: { type: 'strin' } }, '$.schema.type'],
      ['an older draft', '1', { schema: { $schema: 'http://json-schema.org/draft-07/schema#' } }, '$.schema.$schema'],
      ['another document', '1', { schema: { $ref: 'https://example.com/schema.json' } }, '$.schema'],
      ['a pattern of exponential time', '1', { schema: { items: { pattern: '(?=(a+))\\1' } } }, '$.schema'],
      ['more than 64 KiB', '1', { schema: { description: 'x'.repeat(65_537) } }, '$.schema'],
    ])('refuses %s', async (_, version, body, path) => {
      const type = newType();
      const response = await send(server.url, {
        method: 'PUT',
        path: `/ojs/v1/admin/schemas/${type}/${version}`,
        body: JSON.stringify(body),
      });
      expectRefusal(response, 400, 'invalid_request');
      expect(JSON.parse(response.text)).toMatchObject({
        error: { details: { validation_errors: [{ path }, ...(path === '$.schema.type' ? [{}, {}] : [])] } },
      });
      expect((await call(server.url, `/schemas/${type}`)).status).toBe(404);
    });
  });

  describe('enqueue', () => {
    test('refuses args that do not match, with every issue and its path', async () => {
      const type = newType();
      await call(server.url, '/schemas', { job_type: type, version: '2.0.0', schema: invoice });
      expect((await enqueue(type, [{ customer_id: 'c', amount: 1 }])).status).toBe(201);
      const response = await send(server.url, {
        method: 'POST',
        path: '/ojs/v1/jobs',
        body: JSON.stringify({ type, args: [{ amount: 'much', extra: 1 }] }),
      });
      expectRefusal(response, 400, 'schema_validation');
      const { error } = JSON.parse(response.text);
      expect(error.message).toContain(`${type}@2.0.0`);
      expect(error.details).toMatchObject({
        job_type: type,
        schema_version: '2.0.0',
        validation_errors: [
          { path: '$.args[0]', message: "must have required property 'customer_id'", schema_path: '#/required' },
          {
            path: '$.args[0]',
            message: 'must NOT have additional properties: "extra"',
            schema_path: '#/additionalProperties',
          },
          { path: '$.args[0].amount', message: 'must be integer', schema_path: '#/properties/amount/type' },
        ],
      });
    });

    test('follows the mode of the schema', async () => {
      const [warn, off, strict] = [newType(), newType(), newType()];
      await put(warn, 1, { maxItems: 0 }, { mode: 'warn' });
      await put(off, 1, { maxItems: 0 }, { validation: { mode: 'off' } });
      await put(strict, 1, { maxItems: 0 }, { mode: 'strict' });
      const warned = await enqueue(warn, [1]);
      expect(warned).toMatchObject({
        status: 201,
        body: {
          warnings: [expect.stringMatching(/^Schema validation warning .*\$\.args: must NOT have more than 0 items$/)],
        },
      });
      expect((await enqueue(warn, [])).body).not.toHaveProperty('warnings');
      const quiet = await enqueue(off, [1]);
      expect(quiet.status).toBe(201);
      expect(quiet.body).not.toHaveProperty('warnings');
      expect((await enqueue(strict, [1])).status).toBe(400);
      const jobs = [
        { type: warn, args: [] },
        { type: warn, args: [1] },
      ];
      const batch = await call<{ warnings: string[] }>(server.url, '/jobs/batch', { jobs });
      expect(batch.body.warnings).toEqual([expect.stringMatching(/^jobs\[1\]: Schema validation warning/)]);
    });

    test('uses the schema that the job names; an unknown one is preserved (ojs-core §5.2)', async () => {
      const type = newType();
      await put(type, 1, { maxItems: 1 });
      await put(type, 2, { maxItems: 2 });
      const uri = (version: number) => `urn:ojs:schema:${type}:v${version}`;
      expect((await enqueue(type, [1, 2])).status).toBe(201);
      expect((await enqueue(type, [1, 2], { schema: uri(1) })).status).toBe(400);
      expect((await enqueue(type, [1], { schema: uri(1) })).status).toBe(201);
      const unknown = await enqueue(type, [1, 2, 3], { schema: uri(9) });
      expect(unknown).toMatchObject({ status: 201, body: { job: { schema: uri(9) } } });
      // Of another type, too: the job says that its args are of this schema.
      expect((await enqueue(newType(), [1, 2], { schema: uri(1) })).status).toBe(400);
    });

    test('uses the schema of the job’s own version', async () => {
      const type = newType();
      await put(type, '1.0.0', { maxItems: 1 });
      await put(type, '2.0.0', { maxItems: 0 });
      expect((await enqueue(type, [1])).status).toBe(400);
      expect((await enqueue(type, [1], { version: '1.0.0' })).status).toBe(201);
      expect((await enqueue(type, [1, 2], { version: '1.0.0' })).status).toBe(400);
      expect((await enqueue(type, [1, 2], { version: '3.0.0' })).status).toBe(201);
    });

    test('checks the steps of a workflow and the jobs of a cron before anything starts', async () => {
      const type = newType();
      await put(type, 1, { maxItems: 0 });
      const step = (args: readonly unknown[]) => ({ name: `s${args.length}`, type, args });
      const create = (steps: readonly object[]) => call(server.url, '/workflows', { type: 'chain', name: 'w', steps });
      expect(await create([step([]), step([1])])).toMatchObject({
        status: 400,
        body: { error: { code: 'schema_validation', details: { step: expect.any(String), job_type: type } } },
      });
      expect((await create([step([]), step([])])).status).toBe(201);
      const cron = (args: readonly unknown[]) =>
        call(server.url, '/cron', { name: type, cron: '0 0 1 1 *', type, args });
      expect(await cron([1])).toMatchObject({ status: 400, body: { error: { code: 'schema_validation' } } });
      expect((await cron([])).status).toBe(201);
    });
  });
});

test('another server on the same store notices a change within a second', async () => {
  const storage = `sqlite:${temporaryDirectory()}/ojs.db`;
  await using first = await serve({ storage });
  await using second = await serve({ storage });
  const enqueue = async () => (await call(second.url, '/jobs', { type: 'a.b', args: [1] })).status;
  const change = (method: string) =>
    call(first.url, '/admin/schemas/a.b/1', method === 'PUT' ? { schema: { maxItems: 0 } } : undefined, { method });
  const took: number[] = [];
  for (const [method, status] of [
    ['PUT', 400],
    ['DELETE', 201],
    ['PUT', 400],
  ] as const) {
    await enqueue();
    expect((await change(method)).status).toBeLessThan(300);
    const changed = performance.now();
    await expect.poll(enqueue, { interval: 20 }).toBe(status);
    took.push(performance.now() - changed);
  }
  // The quickest of the three, because a busy machine adds a moment of its own to some.
  expect(Math.min(...took)).toBeLessThan(10_000);
});
