import { expect, test } from 'vitest';
import { currentFake } from '../../src/connection/fake.ts';
import { Client } from '../../src/index.ts';
import { drain, fakeMode } from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');

test('the fake issues leases of the same form as a server, and takes reports with the right one only', () =>
  fakeMode(async (store) => {
    store.registerHandler('a.job', async (ctx) => {
      const lease = String(ctx.job.raw.x_lease);
      expect(lease).toMatch(/^c1\.[\w-]{11}$/);
      const send = (operation: 'job.reportProgress' | 'job.saveCheckpoint', body: object) => {
        const answer = currentFake()?.answer({ operation, params: { id: ctx.jobId }, body: JSON.stringify(body) });
        return { status: answer?.status, body: JSON.parse(answer?.text ?? '{}') };
      };
      for (const x_lease of [undefined, 'c1', 'c1.AAAAAAAAAAA']) {
        expect(send('job.reportProgress', { x_lease, progress: 1 })).toMatchObject({ body: { accepted: false } });
        expect(send('job.saveCheckpoint', { x_lease, state: 1 })).toMatchObject({ status: 409 });
      }
      expect(send('job.reportProgress', { x_lease: lease, progress: 1 })).toMatchObject({ body: { accepted: true } });
      await ctx.progress(50);
      await ctx.checkpoint({ own: true });
      return lease;
    });
    const first = await client.enqueue('a.job', []);
    const second = await client.enqueue('a.job', []);
    expect(await drain()).toBe(2);
    expect(await first.wait()).not.toBe(await second.wait());
  }));
