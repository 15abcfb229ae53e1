import { defineJob } from '@ojs-ts/sdk';

/** What producer and worker agree on: the name of the job, its args and its result. */
export const welcome = defineJob<'email.welcome', [to: string, name: string], { sent: boolean }>('email.welcome', {
  queue: 'email',
});
