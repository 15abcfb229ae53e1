import type { Weighted } from '../scenario.ts';
import type { Work } from './actor.ts';
import { follower } from './followers.ts';
import * as jobs from './jobs.ts';
import { mender, refused } from './menders.ts';
import * as operators from './operators.ts';
import { workflow } from './workflows.ts';

interface Kind extends Weighted {
  readonly work: Work;
}

/** Every kind of work, and how often it is drawn. */
export const workload: readonly Kind[] = [
  { name: 'plain', weight: 24, work: jobs.plain },
  { name: 'blocking', weight: 2, work: jobs.blocking },
  { name: 'limited', weight: 14, work: jobs.limited },
  { name: 'tenant', weight: 5, work: jobs.tenant },
  { name: 'rated', weight: 4, work: jobs.rated },
  { name: 'unique', weight: 9, work: jobs.unique },
  { name: 'scheduled', weight: 6, work: jobs.scheduled },
  { name: 'cancelled', weight: 4, work: jobs.cancelled },
  { name: 'reporting', weight: 3, work: jobs.reporting },
  { name: 'checkpointing', weight: 4, work: jobs.checkpointing },
  { name: 'dead letter', weight: 3, work: jobs.deadLetter },
  { name: 'bulk', weight: 4, work: jobs.bulk },
  { name: 'pending', weight: 2, work: jobs.pending },
  { name: 'workflow', weight: 9, work: workflow },
  { name: 'mender', weight: 5, work: mender },
  { name: 'refused retry', weight: 4, work: refused },
  { name: 'cron', weight: 2, work: operators.cron },
  { name: 'operator', weight: 5, work: operators.operator },
  { name: 'pause', weight: 1, work: operators.pause },
  { name: 'remove worker', weight: 1, work: operators.removeWorker },
  { name: 'follower', weight: 1, work: follower },
];
