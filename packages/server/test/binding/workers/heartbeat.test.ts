import { ProtocolError, uuidv7 } from '@ojs-ts/core';
import { Leases, newKey } from '@ojs-ts/core/job';
import { Fields } from '@ojs-ts/core/requests';
import { expect, test } from 'vitest';
import { readBeat } from '../../../src/binding/workers/heartbeat.ts';

const leases = new Leases(newKey());

const read = (body: object) => {
  const fields = new Fields(JSON.parse(JSON.stringify(body)));
  const beat = readBeat(leases, fields, 'w1');
  fields.done();
  return beat;
};

test('only a worker that sends leases is known to list everything it holds', () => {
  const id = uuidv7();
  expect(read({ active_jobs: [id] })).toMatchObject({ holds: [{ id, claim: null }], partial: true });
  expect(read({ job_id: id })).toMatchObject({ holds: [{ id, claim: null }], partial: true });
  expect(read({ active_jobs: 1, active_job_ids: [id] })).toMatchObject({ partial: true });
  const ours = read({ active_jobs: [id], leases: { [id]: leases.of({ id, claim: 3 }) } });
  expect(ours).toMatchObject({ holds: [{ id, claim: 3 }] });
  expect(ours).not.toHaveProperty('partial');
});

test('open fetches, and until when the worker knows of its claims: a second less than it was told', () => {
  expect(read({})).not.toHaveProperty('knownUntil');
  expect(read({ open_fetches: [] })).toMatchObject({ openFetches: [], knownUntil: 0 });
  const told = { open_fetches: ['r1'], last_server_time: '2026-01-01T00:00:05.250Z' };
  expect(read(told)).toMatchObject({ openFetches: ['r1'], knownUntil: Date.UTC(2026, 0, 1, 0, 0, 4, 250) });
  for (const wrong of [{ open_fetches: 'r1' }, { open_fetches: ['\u0000'] }, { ...told, last_server_time: 'noon' }])
    expect(() => read(wrong)).toThrow(ProtocolError);
});

test('the description of a worker has a bound', () => {
  expect(read({ labels: ['x'.repeat(16_000)] }).info).toContain('xxx');
  expect(() => read({ labels: ['x'.repeat(17_000)] })).toThrow(ProtocolError);
});

test('the load of a worker is what the server knows of it, and numbers', () => {
  const load = { rss_bytes: 98_566_144, heap_used_bytes: 25_165_824, event_loop_lag_ms: 3.5 };
  expect(JSON.parse(read({ load: { ...load, rss_mb: 'x' } }).info)).toEqual({ load });
  expect(JSON.parse(read({ load: { rss_bytes: 1 } }).info)).toEqual({ load: { rss_bytes: 1 } });
  expect(JSON.parse(read({ load: null }).info)).toEqual({});
  const issue = (path: string, message: string) => ({
    details: { validation_errors: [expect.objectContaining({ path, message })] },
  });
  for (const wrong of [-1, '1'])
    expect(() => read({ load: { ...load, rss_bytes: wrong } })).toThrow(
      expect.objectContaining(issue('$.load.rss_bytes', 'must be a number of at least 0')),
    );
  expect(() => read({ load: [1] })).toThrow(
    expect.objectContaining(issue('$.load', expect.stringContaining('an object'))),
  );
});
