import { Client, dag, Worker, WorkflowFailedError } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('data.extract', () => ({ rows: 3 }));
worker.register('data.clean', () => {
  throw new Error('row 2 is empty');
});
worker.register('data.load', () => {});

const workflow = await client.workflow(
  dag('etl', {
    extract: { job: { type: 'data.extract', args: [] } },
    clean: {
      job: { type: 'data.clean', args: [], retry: { maxAttempts: 2, initialInterval: '10ms' } },
      after: ['extract'],
    },
    load: { job: { type: 'data.load', args: [] }, after: ['extract', 'clean'] },
  }),
);
await worker.runUntil(async () => {
  try {
    await workflow.wait();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    console.log(error.message);
    for (const { attempt, message } of error.errors) console.log(`attempt ${attempt}: ${message}`);
  }
});
await client.close();
