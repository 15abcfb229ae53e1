import type { OperationName } from '@ojs-ts/core/operations';

export interface Place {
  /** Its path below the base of the dashboard. */
  readonly to: string;
  readonly label: string;
  /** The call that its page lives from: a place that the caller may not see is left out. */
  readonly needs: OperationName;
  /** Second key after `g`. */
  readonly key: string;
}

export interface Group {
  readonly label: string;
  readonly places: readonly Place[];
}

export const groups: readonly Group[] = [
  {
    label: 'Work',
    places: [
      { to: '/', label: 'Overview', needs: 'admin.stats', key: 'o' },
      { to: '/jobs', label: 'Jobs', needs: 'job.list', key: 'j' },
      { to: '/queues', label: 'Queues', needs: 'admin.queues', key: 'q' },
      { to: '/workflows', label: 'Workflows', needs: 'workflow.list', key: 'f' },
      { to: '/crons', label: 'Crons', needs: 'cron.list', key: 'c' },
      { to: '/workers', label: 'Workers', needs: 'worker.list', key: 'w' },
    ],
  },
  {
    label: 'Trouble',
    places: [
      { to: '/dead-letter', label: 'Dead letter', needs: 'deadLetter.stats', key: 'd' },
      { to: '/events', label: 'Events', needs: 'event.list', key: 'e' },
      { to: '/limits', label: 'Limits', needs: 'limit.list', key: 'l' },
      { to: '/bulk', label: 'Bulk operations', needs: 'bulk.list', key: 'b' },
      { to: '/doctor', label: 'Doctor', needs: 'system.doctor', key: 'h' },
    ],
  },
  {
    label: 'Setup',
    places: [
      { to: '/schemas', label: 'Schemas', needs: 'schema.list', key: 's' },
      { to: '/tokens', label: 'Tokens', needs: 'token.list', key: 't' },
      { to: '/audit', label: 'Audit', needs: 'audit.list', key: 'a' },
      { to: '/configuration', label: 'Configuration', needs: 'admin.config', key: 'n' },
      { to: '/playground', label: 'Playground', needs: 'job.enqueue', key: 'p' },
    ],
  },
];
