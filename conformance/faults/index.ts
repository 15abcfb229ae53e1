import { cron } from './cron.ts';
import { envelope } from './envelope.ts';
import { events } from './events.ts';
import { failure } from './failure.ts';
import type { Fault } from './fault.ts';
import { fetch } from './fetch.ts';
import { lifecycle } from './lifecycle.ts';
import { limits } from './limits.ts';
import { operations } from './operations.ts';
import { postgres } from './postgres.ts';
import { queues } from './queues.ts';
import { redis } from './redis.ts';
import { reports } from './reports.ts';
import { retry } from './retry.ts';
import { settlement } from './settlement.ts';
import { sqlite } from './sqlite.ts';
import { system } from './system.ts';
import { timing } from './timing.ts';
import { unique } from './unique.ts';
import { worker } from './worker.ts';
import { workflows } from './workflows.ts';

export type { Fault } from './fault.ts';

/** Every fault; its name is unique. */
export const faults: readonly Fault[] = [
  ...envelope,
  ...timing,
  ...system,
  ...worker,
  ...retry,
  ...failure,
  ...lifecycle,
  ...fetch,
  ...settlement,
  ...events,
  ...operations,
  ...sqlite,
  ...postgres,
  ...redis,
  ...cron,
  ...workflows,
  ...unique,
  ...limits,
  ...queues,
  ...reports,
];
