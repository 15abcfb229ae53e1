import type { Cron } from '@ojs-ts/core/schemas';
import cronstrue from 'cronstrue';

/** `At 02:30, only on Sunday`; null if there are no words for the expression. */
export function wordsOfCron(expression: string): string | null {
  const every = /^@every (\S+)$/.exec(expression)?.[1];
  if (every !== undefined) return `Every ${every}`;
  try {
    const text = cronstrue.toString(expression, { use24HourTimeFormat: true, verbose: false });
    // Without a day the library names the time only.
    return /^\S+ \d+ \* \* \*$/.test(expression) ? `${text}, every day` : text;
  } catch {
    // A form that the library does not know; the expression itself stays readable.
    return null;
  }
}

/** The queue of its jobs, which a registration may have in its options or beside the type. */
export function queueOf({ options, job_template }: Pick<Cron, 'options' | 'job_template'>): string {
  return options.queue ?? job_template.queue ?? 'default';
}
