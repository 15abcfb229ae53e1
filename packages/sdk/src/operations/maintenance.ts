import { formatDuration, type NamesOf } from '@ojs-ts/core';
import type { Answers } from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../job/options.ts';
import { compact, type Wire } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { type Camel, camel } from './answer.ts';
import { change, read } from './row.ts';

type Answer = Answers['admin.maintenance'];

/** Maintenance mode (ojs-admin-api §12.1). `estimatedEnd` is for people: the mode ends when an operator ends it. */
export interface Maintenance extends Omit<Camel<Answer>, 'maintenance'> {
  /** While it is on no job starts, on no server of the store. */
  readonly on: boolean;
}

/** The text that people see during maintenance. */
export interface MaintenanceOptions extends CallOptions {
  /** At most 1,000 characters. */
  reason?: string | undefined;
  /** How long it will take. Nothing ends by itself. */
  estimatedDuration?: Duration | undefined;
}

const names: NamesOf<MaintenanceOptions> = { ...callNames, reason: true, estimatedDuration: true };

function modeOf(body: Wire): Maintenance {
  const { maintenance, ...rest } = camel<Answer>(body);
  return { on: maintenance === true, ...rest };
}

function setMaintenance(body: object) {
  return change({ operation: 'admin.setMaintenance', body: JSON.stringify(body) }, modeOf);
}

export const maintenanceRows = {
  /** Reports whether the servers of the store are in maintenance mode. */
  maintenance: () => read({ operation: 'admin.maintenance' }, modeOf),
  /**
   * Begins maintenance mode on all servers of the store, within 2 seconds (ojs-admin-api §12.1). No job starts until
   * {@link endMaintenance}; jobs can be enqueued, and running ones continue. A second call changes the text that people
   * see.
   * @throws {OJSValidationError} before anything is sent.
   */
  startMaintenance: {
    names,
    make: ({ reason, estimatedDuration: estimate }: MaintenanceOptions) =>
      setMaintenance({
        enabled: true,
        ...compact({
          reason,
          estimated_duration:
            estimate === undefined ? undefined : formatDuration(durationMs(estimate, 'estimatedDuration')),
        }),
      }),
  },
  /** Ends maintenance mode: what waits starts. */
  endMaintenance: () => setMaintenance({ enabled: false }),
  /**
   * The settings of the server with their origins, verbatim and without secrets (ojs-admin-api §12.2). `settings` is
   * missing where no server is around the engine.
   */
  serverConfig: () => read({ operation: 'admin.config' }, (body) => ({ ...body })),
};
