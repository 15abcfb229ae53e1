import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { admissionCases, admissionTime, brief } from '../../../../core/test/vectors/admission.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { type Cases, claimOne, inserted, insertOne, move, to } from './tools.ts';

/** The vectors of core's `admit`: every storage admits as core says, whether it calls core or ports it. */
export const admissionCasesOfStorage: Cases = Object.fromEntries(
  admissionCases().map(({ name, queues, jobs, options, group, answers }) => [
    name,
    async (storage: Storage) => {
      for (const { job, state } of jobs) {
        expect(await insertOne(storage, job, admissionTime)).toEqual(inserted);
        if (state === State.active) await claimOne(storage, { queues: [job.queue] }, admissionTime);
        else if (state !== job.state)
          await move(storage, to(job.id, state, job.state, { runAt: job.runAt + 3_600_000 }), admissionTime);
      }
      for (const { name, paused, capacity } of queues) {
        await storage.registry.configureQueue(name, { capacity }, admissionTime);
        await storage.registry.pauseQueue(name, paused, admissionTime);
      }
      const [given] = await storage.jobs.insert([group], admissionTime, options);
      expect(given?.map(brief)).toEqual(answers);
    },
  ]),
);
