import { isUuidv7, timeOfUuid, uuidAt, uuidv7 } from '@ojs-ts/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { call } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Workflow {
  readonly workflow: { readonly id: string; readonly steps: readonly { readonly job_id: string }[] };
}

test('ids of one list are UUIDv7 with its time, and sort by their places', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const digests = fc.uint8Array({ minLength: 8, maxLength: 8 });
  const place = fc.integer({ min: 0, max: 65_534 });
  fc.assert(
    fc.property(time, digests, place, (ms, digest, at) => {
      const id = uuidAt(ms, digest, at);
      expect(isUuidv7(id)).toBe(true);
      expect(timeOfUuid(id)).toBe(ms);
      expect(uuidAt(ms, digest, at)).toBe(id);
      expect(uuidAt(ms, digest, at + 1) > id).toBe(true);
    }),
  );
});

describe.each(storages)('ids that follow from an idempotency key, $name', (storage) => {
  const steps = Array.from({ length: 20 }, (_, index) => ({ id: `s${index}`, type: 'a.b', args: [] }));
  const create = (url: string, key: string, body: object) =>
    call<Workflow>(url, '/workflows', { steps, ...body }, { headers: { 'idempotency-key': key } });

  test('of steps carry the time of a key that is a UUIDv7, in the order of the request, again and again', async () => {
    await using server = await serve({ storage: storage.url() });
    const id = uuidv7();
    const { status, body } = await create(server.url, id, { id });
    expect(status).toBe(201);
    const ids = body.workflow.steps.map(({ job_id }) => job_id);
    expect(ids).toHaveLength(20);
    expect(new Set(ids.map(timeOfUuid))).toEqual(new Set([timeOfUuid(id)]));
    expect(ids.toSorted()).toEqual(ids);
    const again = await create(server.url, id, { id });
    expect(again.body.workflow.steps.map(({ job_id }) => job_id)).toEqual(ids);
  });

  test('carry a time in the past where the key tells none, or one that no clock means', async () => {
    await using server = await serve({ storage: storage.url() });
    const distant = uuidAt(Date.UTC(7252, 0), new Uint8Array(8), 0);
    for (const key of ['order-7', distant, '0190b8c1-0000-4000-8000-000000000000']) {
      const { body } = await create(server.url, key, {});
      const { id, steps } = body.workflow;
      for (const derived of [id, ...steps.map(({ job_id }) => job_id)]) {
        expect(timeOfUuid(derived)).toBeGreaterThanOrEqual(Date.UTC(2020, 0));
        expect(timeOfUuid(derived)).toBeLessThan(Date.now());
      }
    }
  });
});
