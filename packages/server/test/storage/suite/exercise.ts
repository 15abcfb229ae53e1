import { afterEach, describe, test } from 'vitest';
import type { Storage } from '../../../src/storage/storage.ts';
import { admissionCasesOfStorage } from './admission.ts';
import { auditCases } from './audit-log.ts';
import { claimCases } from './claim.ts';
import { cronCases } from './crons.ts';
import { documentCases } from './documents.ts';
import { dumpCases } from './dump.ts';
import { errorCases } from './errors.ts';
import { eventCases, unloggedCases } from './events.ts';
import { insertCases } from './insert.ts';
import { limitCases } from './limits.ts';
import { listCases } from './list.ts';
import { queueCases } from './queues.ts';
import { recordCases } from './records.ts';
import { statisticsCases } from './statistics.ts';
import { stepCases } from './steps.ts';
import { storeCases } from './store.ts';
import type { Cases } from './tools.ts';
import { transitionCases } from './transition.ts';
import { uniqueCases } from './unique.ts';
import { upkeepCases } from './upkeep.ts';
import { workerCases } from './workers.ts';
import { workflowCases } from './workflows.ts';

export interface Subject {
  readonly name: string;
  /** A new, empty, migrated store of its own at every call. */
  readonly open: () => Promise<Storage>;
  /** The same with events switched off. */
  readonly openUnlogged: () => Promise<Storage>;
  /** What becomes of a store after its case; it is closed by default. */
  readonly close?: (storage: Storage) => Promise<void>;
  /** Cases that cannot hold here, with the reason; they are left out. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[];
}

const topics: Readonly<Record<string, Cases>> = {
  admission: admissionCasesOfStorage,
  insert: insertCases,
  unique: uniqueCases,
  claim: claimCases,
  limits: limitCases,
  transition: transitionCases,
  list: listCases,
  errors: errorCases,
  upkeep: upkeepCases,
  queues: queueCases,
  statistics: statisticsCases,
  workers: workerCases,
  workflows: workflowCases,
  crons: cronCases,
  records: recordCases,
  steps: stepCases,
  documents: documentCases,
  audit: auditCases,
  events: eventCases,
  dump: dumpCases,
  store: storeCases,
};

/** The contract of a storage, as cases. Whoever writes one runs this over it. */
export function exerciseStorage({
  name,
  open,
  openUnlogged,
  close = async (storage) => storage[Symbol.asyncDispose](),
  skip = [],
}: Subject): void {
  const left = new Set(skip.map(({ test }) => test));
  const stores: Storage[] = [];
  const openers = [
    ...Object.entries(topics).map(([topic, cases]) => [topic, cases, open] as const),
    ['unlogged', unloggedCases, openUnlogged] as const,
  ];
  afterEach(async () => {
    for (const store of stores.splice(0)) await close(store);
  });
  describe(`storage ${name}`, () => {
    for (const [topic, cases, open] of openers) {
      describe(topic, () => {
        for (const [title, run] of Object.entries(cases)) {
          if (left.has(title)) continue;
          test(title, async () => {
            const storage = await open();
            stores.push(storage);
            await run(storage);
          });
        }
      });
    }
  });
}
