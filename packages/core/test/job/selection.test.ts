import { expect, test } from 'vitest';
import { uuidv7 } from '../../src/index.ts';
import { AllStates, type JobId, type JobRecord, select, sizeOf } from '../../src/job/index.ts';
import { jobOf } from '../support/records.ts';

function jobsOf(length: number): readonly JobRecord[] {
  return Array.from({ length }, () => ({ ...jobOf({}), id: uuidv7() }));
}

/** Jobs by id, and the sizes of the reads. */
function storeOf(jobs: readonly JobRecord[]) {
  const reads: number[] = [];
  return {
    reads,
    jobs: {
      list: async () => ({ items: [], next: null }),
      async get(ids: readonly JobId[]) {
        reads.push(ids.length);
        return ids.map((id) => jobs.find((job) => job.id === id) ?? null);
      },
    },
  };
}

test('jobs that are looked up come in parts of a bounded size, each once, the highest id first', async () => {
  const jobs = jobsOf(40);
  const ids = jobs.map(({ id }) => id);
  const store = storeOf(jobs);
  const maxBytes = 3 * Math.max(...jobs.map(sizeOf));
  const seen: JobId[] = [];
  let after: string | null = null;
  do {
    const part = await select(store, { states: AllStates, ids }, { after, limit: 10, maxBytes });
    expect(part.jobs.length).toBeGreaterThan(0);
    expect(part.jobs.reduce((sum, job) => sum + sizeOf(job), 0)).toBeLessThanOrEqual(maxBytes);
    expect(part.cut).toBe(part.next !== null);
    seen.push(...part.jobs.map(({ id }) => id));
    after = part.next;
  } while (after !== null);
  expect(seen).toEqual(ids.toSorted().reverse());
  expect(Math.max(...store.reads)).toBe(16);
});

test('by offset they keep the length of the page, and the last page has no cursor', async () => {
  const jobs = jobsOf(5);
  const ids = jobs.map(({ id }) => id).toSorted();
  const at = (offset: number) => select(storeOf(jobs), { states: AllStates, ids }, { offset, limit: 3 });
  expect(await at(0)).toMatchObject({ skipped: 0, cut: false, next: ids[2] });
  const last = await at(3);
  expect(last).toMatchObject({ skipped: 3, next: null });
  expect(last.jobs.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
});
