import { Client, defineJob, Worker } from '@ojs-ts/sdk';

export const emailSend = defineJob<'email.send', [to: string, template: string], { sent: boolean }>('email.send', {
  queue: 'email',
});

/** One for the application, as always: no test replaces it. */
export const client = new Client();

export async function signUp(email: string): Promise<void> {
  await client.enqueue(emailSend, [email, 'welcome'], { meta: { source: 'signup' } });
  await client.enqueue(emailSend, [email, 'tips'], { delay: '1d' });
}

export const worker = new Worker({ url: process.env.OJS_BACKEND_URL, queues: ['email'] }).register(
  emailSend,
  async ({ args: [to], log }) => {
    if (!to.includes('@')) throw new Error(`${to} is no address`);
    log.debug('sent');
    return { sent: true };
  },
);
