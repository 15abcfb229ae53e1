import { envelope } from './envelope.ts';
import { events } from './events.ts';
import { failure } from './failure.ts';
import type { Fault } from './fault.ts';
import { fetch } from './fetch.ts';
import { lifecycle } from './lifecycle.ts';
import { operations } from './operations.ts';
import { retry } from './retry.ts';
import { settlement } from './settlement.ts';
import { sqlite } from './sqlite.ts';
import { system } from './system.ts';
import { timing } from './timing.ts';
import { worker } from './worker.ts';

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
];
