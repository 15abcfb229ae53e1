import { formatDuration } from '@ojs-ts/core';
import type { Command } from 'commander';
import { type Item, moment } from '../output/cells.ts';
import { details, view } from '../output/table.ts';
import { group } from './command.ts';
import { flag, someTime } from './flags.ts';
import { change, look } from './row.ts';

/** `ojs maintenance`. */
export function maintenanceCommand(): Command {
  const long = 'expected duration, such as 30m; the mode ends only with ojs maintenance off';
  return group('maintenance', 'start no jobs for a while', [
    change('on', 'start maintenance mode: no job starts, and new jobs are accepted', 'admin.setMaintenance', {
      flags: {
        reason: flag('--reason <text>', 'a reason that the dashboard shows'),
        estimated_duration: flag('--for <duration>', long, (text) => formatDuration(someTime(text))),
      },
      body: ({ reason, estimated_duration }) => ({ enabled: true, reason, estimated_duration }),
      question: () => 'Shall I stop the start of jobs on all servers of this storage?',
      shown: describe,
    }),
    change('off', 'end maintenance mode: waiting jobs start', 'admin.setMaintenance', {
      body: () => ({ enabled: false }),
      shown: describe,
    }),
    look('status', 'show whether maintenance mode is on', 'admin.maintenance', { shown: describe }),
  ]);
}

const lines = view`reason | since: ${moment} enabled_at | expected end: ${moment} estimated_end`;

function describe(item: Item): string {
  if (item.maintenance !== true) return 'Maintenance mode is off.';
  return details([{ title: 'maintenance', cell: () => 'on: no job starts' }, ...lines], item);
}
