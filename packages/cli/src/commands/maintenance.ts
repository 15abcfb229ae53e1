import { formatDuration } from '@ojs-ts/core';
import type { Command } from 'commander';
import { type Item, moment } from '../output/cells.ts';
import { details, view } from '../output/table.ts';
import { group } from './command.ts';
import { flag, someTime } from './flags.ts';
import { change, look } from './row.ts';

/** `ojs maintenance`. */
export function maintenanceCommand(): Command {
  const long = 'how long it will take, such as 30m; it does not end by itself';
  return group('maintenance', 'start no jobs for a while', [
    change('on', 'begin maintenance mode: no job starts, new ones are accepted', 'admin.setMaintenance', {
      flags: {
        reason: flag('--reason <text>', 'what people are told'),
        estimated_duration: flag('--for <duration>', long, (text) => formatDuration(someTime(text))),
      },
      body: ({ reason, estimated_duration }) => ({ enabled: true, reason, estimated_duration }),
      question: () => 'Shall I stop the start of jobs on all servers of this storage?',
      shown: describe,
    }),
    change('off', 'end maintenance mode: what waits starts', 'admin.setMaintenance', {
      body: () => ({ enabled: false }),
      shown: describe,
    }),
    look('status', 'show whether it is on', 'admin.maintenance', { shown: describe }),
  ]);
}

const lines = view`reason | since: ${moment} enabled_at | expected end: ${moment} estimated_end`;

function describe(item: Item): string {
  if (item.maintenance !== true) return 'Maintenance mode is off.';
  return details([{ title: 'maintenance', cell: () => 'on: no job starts' }, ...lines], item);
}
