import { Client, chain, defineJob, job, parentResults, Worker } from '@ojs-ts/sdk';

const userCreate = defineJob<'user.create', [email: string], { id: string }>('user.create');
const emailSend = defineJob<'email.send', [template: string], { sent: boolean }>('email.send');

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('user.create', () => ({ id: 'u1' }));
worker.register('email.send', (ctx) => {
  const [user] = parentResults(ctx, userCreate); // { id: string }
  return { sent: user.id !== '' };
});

const workflow = await client.workflow(
  chain('onboarding', [
    job(userCreate, ['user@example.com']),
    job(emailSend, ['welcome'], { retry: { maxAttempts: 5 } }),
  ]),
);
const { sent } = await worker.runUntil(() => workflow.wait({ timeout: '30s' }));
console.log(`sent: ${sent}`);
for (const step of (await workflow.refresh()).steps) console.log(`${step.id} ${step.type}: ${step.state}`);
await client.close();
