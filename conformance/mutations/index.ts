import { cron } from './cron.ts';
import { envelope } from './envelope.ts';
import { events } from './events.ts';
import { fetch } from './fetch.ts';
import { lifecycle } from './lifecycle.ts';
import type { Mutation } from './mutation.ts';
import { operations } from './operations.ts';
import { queues } from './queues.ts';
import { reports } from './reports.ts';
import { retry } from './retry.ts';
import { settlement } from './settlement.ts';
import { storages } from './storages.ts';
import { system } from './system.ts';
import { unique } from './unique.ts';
import { worker } from './worker.ts';
import { workflows } from './workflows.ts';

export type { Mutation } from './mutation.ts';

/** Every mutation. Names are unique. */
export const mutations: readonly Mutation[] = [
  ...envelope,
  ...system,
  ...worker,
  ...retry,
  ...lifecycle,
  ...fetch,
  ...settlement,
  ...events,
  ...operations,
  ...storages,
  ...cron,
  ...workflows,
  ...unique,
  ...queues,
  ...reports,
];
