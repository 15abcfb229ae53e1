import { Client, defineJob, JobFailedError, OJSValidationError, Worker } from '@ojs-ts/sdk';
import { z } from 'zod';

const invoiceSend = defineJob('invoice.send', {
  payload: z.object({ to: z.email(), due: z.coerce.date(), copies: z.number().int().default(1) }),
  result: z.object({ pages: z.number() }),
});

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(invoiceSend, ({ args: [invoice] }) => {
  console.log(invoice.due.getUTCFullYear(), invoice.copies); // a Date, and the default
  return { pages: 2 };
});

try {
  await client.enqueue(invoiceSend, [{ to: 'nobody', due: '2026-03-01' }]);
} catch (error) {
  if (!(error instanceof OJSValidationError)) throw error;
  console.log(error.issues.map(({ path }) => path));
}

await worker.runUntil(async () => {
  const sent = await client.enqueue(invoiceSend, [{ to: 'a@example.com', due: '2026-03-01' }]);
  console.log((await sent.wait()).pages);

  const wrong = await client.enqueue('invoice.send', [{ to: 'nobody' }]); // by name: only the worker checks
  await wrong.wait().catch((error: unknown) => {
    if (error instanceof JobFailedError) console.log(error.job.state, error.job.error?.type);
  });
});
await client.close();
