import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import type { Request } from '../support/request.ts';
import { post, repeats } from '../support/requests/repeats.ts';
import { storages } from '../support/storages.ts';

/**
 * The acceptance line of cut.test.ts, for what is not about one job: the repeat answers what the first did, or finds it
 * done.
 */
describe.each(storages)('a repeated call after a cut, $name', (storage) => {
  const { ask, send, twice, enqueue, fetched, dead, events, expectRepeatable, expectHarmless } = repeats(storage.url());

  describe('of many jobs', () => {
    test('retry from the dead letter: those named again, those that fitted no more', async () => {
      const [one, other] = [await dead(), await dead()];
      const ids = [one.id, other.id];
      const { body } = await expectRepeatable(post('/dead-letter/retry', { ids }, newId()), 200, 2);
      expect(body).toMatchObject({ retried: 2, items: ids.map((job_id) => ({ job_id, status: 'retried' })) });
      const { queue } = await dead();
      const [first, second] = await expectHarmless(
        post('/dead-letter/retry', { filter: { queue }, confirm: true }),
        [200, 200],
        1,
      );
      expect([first.body, second.body]).toMatchObject([{ retried: 1 }, { retried: 0, total_matched: 0 }]);
    });

    test('removal from the dead letter', async () => {
      const [one, other] = [await dead(), await dead()];
      await expectHarmless({ method: 'DELETE', path: `/ojs/v1/dead-letter/${one.id}` }, [200, 404], 0);
      const purge = post('/dead-letter/purge', { filter: { queue: other.queue }, confirm: true });
      const [first, second] = await expectHarmless(purge, [200, 200], 0);
      expect([first.body, second.body]).toMatchObject([{ purged_count: 1 }, { purged_count: 0 }]);
    });

    test('bulk enqueue', async () => {
      const jobs = Array.from({ length: 3 }, () => ({ type: 'a.b', args: [], options: { queue: `q-${newId()}` } }));
      const { body } = await expectRepeatable(post('/jobs/bulk', { jobs }, newId()), 201, 4);
      expect(body).toMatchObject({ succeeded: 3, failed: 0 });
    });

    test('bulk cancel, by ids and by a filter', async () => {
      const { id } = await enqueue();
      await expectRepeatable(post('/jobs/bulk/cancel', { job_ids: [id] }, newId()), 200, 2);
      const { queue } = await enqueue();
      const { body } = await expectRepeatable(post('/jobs/bulk/cancel', { filter: { queue } }, newId()), 200, 2);
      expect(body).toMatchObject({ cancelled: 1 });
    });

    test('bulk retry', async () => {
      const { id } = await dead();
      const { body } = await expectRepeatable(post('/jobs/bulk/retry', { job_ids: [id] }, newId()), 200, 2);
      expect(body).toMatchObject({ retried: 1 });
    });

    test('bulk delete', async () => {
      const { id, queue } = await dead();
      const { body } = await expectRepeatable(post('/jobs/bulk/delete', { filter: { queue } }, newId()), 200, 1);
      expect(body).toMatchObject({ deleted: 1, items: [{ job_id: id, status: 'deleted' }] });
    });

    test('without a key the repeated call finds nothing left to do', async () => {
      const { id } = await enqueue();
      const [, second] = await expectHarmless(post('/jobs/bulk/cancel', { job_ids: [id] }), [200, 422], 3);
      expect(second.body).toMatchObject({ cancelled: 0, items: [{ job_id: id, status: 'skipped' }] });
    });
  });

  describe('of a workflow', () => {
    const step = { type: 'a.b', args: [], options: { queue: 'cut-workflow' } };

    test('create, by a key or by its own id', async () => {
      const { body } = await expectRepeatable(
        post('/workflows', { type: 'chain', steps: [step, step] }, newId()),
        201,
        3,
      );
      expect(body).toMatchObject({ workflow: { type: 'chain', state: 'running' } });
      const graph = {
        id: newId(),
        name: 'cut',
        steps: [
          { ...step, id: 'a' },
          { ...step, id: 'b', depends_on: ['a'] },
        ],
      };
      await expectRepeatable(post('/workflows', graph), 201, 3);
    });

    test('cancel', async () => {
      const { body } = await ask<{ id: string }>('/workflows', { type: 'group', jobs: [step, step] });
      const request = { method: 'DELETE', path: `/ojs/v1/workflows/${body.id}` };
      const [first, second] = await expectHarmless(request, [200, 409], 3);
      expect(first.body).toMatchObject({ workflow: { state: 'cancelled' } });
      expect(second.body).toMatchObject({ error: { code: 'conflict', details: { current_state: 'cancelled' } } });
    });
  });

  describe('of a cron', () => {
    const definition = { cron: '0 0 29 2 *', type: 'a.b', args: [], options: { queue: 'cut-cron' } };

    test('register, change, pause, resume, remove', async () => {
      const name = `c-${newId()}`;
      const [first, second] = await expectHarmless(post('/cron', { name, ...definition }), [201, 200], 0);
      const timeless = { updated_at: expect.any(String) };
      expect((second.body as { cron: object }).cron).toEqual({ ...(first.body as { cron: object }).cron, ...timeless });
      const path = `/ojs/v1/cron/${name}`;
      await expectHarmless({ method: 'PATCH', path, body: '{"args":[2]}' }, [200, 200], 0);
      for (const action of ['pause', 'resume'])
        await expectRepeatable(post(`/cron/${name}/${action}`, undefined), 200, 0);
      expect((await ask(`/cron/${name}`)).body).toMatchObject({ cron: { args: [2], enabled: true, run_count: 0 } });
      await expectHarmless({ method: 'DELETE', path }, [200, 404], 0);
    });

    test('trigger, by its key: one run', async () => {
      const name = `c-${newId()}`;
      await ask('/cron', { name, ...definition });
      const key = newId();
      const { body } = await expectRepeatable(post(`/cron/${name}/trigger`, undefined, key), 201, 2);
      expect(body).toMatchObject({ cron: { run_count: 1 } });
      const { body: next } = await expectRepeatable(post(`/cron/${name}/trigger`, undefined, newId()), 201, 2);
      expect(next).toMatchObject({ cron: { run_count: 2 } });
      const other = `c-${newId()}`;
      await ask('/cron', { name: other, ...definition });
      await expectRepeatable(post(`/cron/${other}/trigger`, undefined, key), 201, 2);
    });
  });

  test('many triggers with one key at once make one run', async () => {
    const name = `c-${newId()}`;
    await ask('/cron', { name, cron: '0 0 29 2 *', type: 'a.b', args: [], options: { queue: 'cut-cron' } });
    const request = post(`/cron/${name}/trigger`, undefined, newId());
    const before = await events();
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(request)));
    expect(
      new Set(answers.map(({ status, text }) => `${status} ${(JSON.parse(text) as { job_id: string }).job_id}`)).size,
    ).toBe(1);
    expect((await events()) - before).toBe(2);
  });

  describe('a worker’s report about its job', () => {
    test('progress, by either route', async () => {
      const { id } = await fetched();
      const report = { worker_id: 'w1', message: 'half', data: { n: 1 } };
      const requests = [
        { ...post(`/jobs/${id}/progress`, { ...report, progress: 0.25 }), method: 'PUT' },
        post('/workers/progress', { job_id: id, ...report, percentage: 50 }),
      ];
      for (const request of requests) {
        const { first, second } = await twice(request);
        expect(second).toMatchObject({
          status: 200,
          body: { ...(first.body as object), updated_at: expect.any(String) },
        });
      }
      expect((await ask(`/jobs/${id}/progress`)).body).toMatchObject({
        progress: 0.5,
        message: 'half',
        data: { n: 1 },
      });
    });

    test('checkpoint: the same state, saved once more', async () => {
      const { id } = await fetched();
      const { first, second } = await twice(post(`/jobs/${id}/checkpoint`, { worker_id: 'w1', state: { line: 7 } }));
      expect([first.body, second.body]).toMatchObject([
        { state: { line: 7 }, sequence: 1 },
        { state: { line: 7 }, sequence: 2 },
      ]);
      await expectRepeatable({ method: 'DELETE', path: `/ojs/v1/jobs/${id}/checkpoint` }, 200, 0);
      expect((await ask(`/jobs/${id}/checkpoint`)).status).toBe(404);
    });

    test('register and deregister', async () => {
      const worker_id = `w-${newId()}`;
      await expectRepeatable(post('/workers/register', { worker_id, queues: ['a'] }), 200, 0);
      await expectHarmless(post('/workers/deregister', { worker_id }), [200, 404], 0);
    });
  });

  describe('of what an operator sets', () => {
    const put = (path: string, body: object): Request => ({ ...post(path, body), method: 'PUT' });

    test('schema: register, remove', async () => {
      const type = 'cut.schema';
      await expectHarmless(post('/schemas', { type, version: 1, schema: { type: 'array' } }), [201, 409], 0);
      await expectHarmless(put(`/admin/schemas/${type}/2`, { schema: { type: 'array', maxItems: 1 } }), [201, 409], 0);
      expect((await ask(`/schemas/${type}/versions`)).body).toMatchObject({ count: 2 });
      await expectHarmless({ method: 'DELETE', path: `/ojs/v1/schemas/${type}/2` }, [200, 404], 0);
    });

    test('queue: create, configure, limit, pause, resume, delete', async () => {
      const name = `q-${newId()}`;
      await expectHarmless(post('/queues', { name, config: { max_size: 5 } }), [201, 409], 0);
      const { body } = await expectRepeatable(put(`/queues/${name}/config`, { concurrency: 2 }), 200, 0);
      expect(body).toMatchObject({ max_size: 5, concurrency: 2 });
      await expectHarmless(
        put(`/admin/queues/${name}/rate-limit`, { rate: { limit: 3, period: 'PT1M' } }),
        [200, 200],
        0,
      );
      for (const [action, paused] of [
        ['pause', true],
        ['resume', false],
      ] as const) {
        const [first, second] = await expectHarmless(post(`/queues/${name}/${action}`, undefined), [200, 200], 1);
        expect([first.body, second.body]).toMatchObject([{ paused }, { paused }]);
      }
      await expectHarmless({ method: 'DELETE', path: `/ojs/v1/queues/${name}` }, [200, 404], 0);
    });

    test('limit: override, restore', async () => {
      const override = put('/rate-limits/cut?create=true', { concurrency: 1, expires_at: '2099-01-01T00:00:00Z' });
      const { body } = await expectRepeatable(override, 200, 0);
      expect(body).toMatchObject({ override: { concurrency: 1 } });
      // Nothing else names this limit, so it is gone with its override.
      await twice({ method: 'DELETE', path: '/ojs/v1/rate-limits/cut/override' });
      expect((await ask('/rate-limits/cut')).body).not.toMatchObject({ override: { concurrency: 1 } });
    });
  });
});
