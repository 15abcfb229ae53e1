import type { Cron } from '@ojs-ts/core/schemas';

/** The queue of its jobs, which a registration may have in its options or beside the type. */
export function queueOf({ options, job_template }: Pick<Cron, 'options' | 'job_template'>): string {
  return options.queue ?? job_template.queue ?? 'default';
}
