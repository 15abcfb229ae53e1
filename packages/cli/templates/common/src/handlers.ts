import { DiscardError, Worker } from '@ojs-ts/sdk';
import { emailWelcome } from './jobs.ts';

/** Has a handler for every job. Tests run the handlers; only worker.ts starts the worker. */
export const worker = new Worker().register(emailWelcome, async ({ args: [to, name], jobId, log }) => {
  // Any other error is tried again.
  if (!to.includes('@')) throw new DiscardError(`${to} is no address`);
  // Send the mail here. A job can run twice: give your mail service the id, so that it sends the mail once.
  log.info(`Welcome, ${name}`);
  return { messageId: `welcome-${jobId}` };
});
