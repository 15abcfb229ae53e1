import { type CronRecord, CronRecords, type Firing } from '@ojs-ts/core/cron';
import type { CommitAnswer, Storage } from '../../src/storage/storage.ts';

/** A firing that was decided from a version of a cron, which may be another one by now. */
export type NamedFiring = Omit<Firing, 'cron'> & Pick<CronRecord, 'name' | 'version'>;

/** The crons of a storage, as an engine keeps them. */
export function cronsOf({ records }: Pick<Storage, 'records'>) {
  const crons = new CronRecords(records);
  const fireEach = async (firings: readonly NamedFiring[], now: number) => {
    const found = await Promise.all(firings.map(({ name }) => crons.get(name)));
    return crons.fire(
      firings.map((firing, at) => ({ ...firing, cron: { ...blank, ...found[at], ...named(firing) } })),
      now,
    );
  };
  return {
    list: async () => crons.list(),
    get: async (name: string) => crons.get(name),
    put: async (...args: Parameters<CronRecords['put']>) => crons.put(...args),
    remove: async (name: string) => crons.remove(name),
    due: async (now: number, limit: number) => crons.due(now, limit),
    async fire(firings: readonly NamedFiring[], now: number): Promise<readonly CommitAnswer[]> {
      const names = new Set(firings.map(({ name }) => name));
      if (names.size === firings.length) return fireEach(firings, now);
      const answers: CommitAnswer[] = [];
      for (const firing of firings) answers.push(...(await fireEach([firing], now)));
      return answers;
    },
  };
}

const blank = {
  ...{ spec: '{}', enabled: true, dueAt: null, runCount: 0, lastRunAt: null, lastJob: null },
  ...{ createdAt: 0, updatedAt: 0 },
};

function named({ name, version }: NamedFiring): Pick<CronRecord, 'name' | 'version'> {
  return { name, version };
}
