import { formatDuration, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { compact, dateOf, textOf, type Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';

/** Maintenance mode (ojs-admin-api §12.1). */
export interface Maintenance {
  /** While it is on no job starts, on no server of the store. */
  readonly on: boolean;
  readonly reason?: string;
  readonly enabledAt?: Date;
  /** For people: the mode ends when an operator ends it. */
  readonly estimatedEnd?: Date;
}

/** The text that people see during maintenance. */
export interface MaintenanceOptions extends CallOptions {
  /** At most 1,000 characters. */
  reason?: string | undefined;
  /** How long it will take. Nothing ends by itself. */
  estimatedDuration?: Duration | undefined;
}

const names: NamesOf<MaintenanceOptions> = { ...callNames, reason: true, estimatedDuration: true };

export function* maintenance(): Operation<Maintenance> {
  return readMaintenance(yield { call: { operation: 'admin.maintenance' } });
}

/** The request that begins it. @throws {OJSValidationError} */
export function beginning(options: MaintenanceOptions): object {
  checkNames(options, names);
  const { reason, estimatedDuration } = options;
  return compact({
    enabled: true,
    reason,
    estimated_duration:
      estimatedDuration === undefined ? undefined : formatDuration(durationMs(estimatedDuration, 'estimatedDuration')),
  });
}

export function* setMaintenance(body: object): Operation<Maintenance> {
  const call = { operation: 'admin.setMaintenance', body: JSON.stringify(body), idempotencyKey: uuidv7() } as const;
  return readMaintenance(yield { call });
}

/** The settings of the server, as the answer has them. */
export function* serverConfig(): Operation<Record<string, unknown>> {
  return { ...(yield { call: { operation: 'admin.config' } }) };
}

function readMaintenance(raw: Wire): Maintenance {
  return compact({
    on: raw.maintenance === true,
    reason: textOf(raw.reason),
    enabledAt: dateOf(raw.enabled_at),
    estimatedEnd: dateOf(raw.estimated_end),
  });
}
