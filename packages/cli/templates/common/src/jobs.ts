import { defineJob } from '@ojs-ts/sdk';

/** Name, args, result and default options of a job. Whoever enqueues it and the worker import this definition. */
export const emailWelcome = defineJob<'email.welcome', [to: string, name: string], { messageId: string }>(
  'email.welcome',
  { retry: { maxAttempts: 5 } },
);
