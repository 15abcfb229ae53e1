import { batch, Client, chain, group, type JobContext, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('import.chunk', ({ args: [from, to] }: JobContext<[from: number, to: number]>) => {
  if (from > 2000) throw new Error('the file ends here');
  return to - from + 1;
});
worker.register('import.finalize', ({ parentResults }) => parentResults.flat(2));
worker.register('notify.failure', () => {});

const chunk = (from: number, to: number) => ({ type: 'import.chunk', args: [from, to], retry: { maxAttempts: 1 } });
const workflow = await client.workflow(
  batch('data-import', [chunk(1, 1000), chunk(1001, 2000), chunk(2001, 3000)], {
    onComplete: { type: 'import.finalize', args: [] },
    onFailure: { type: 'notify.failure', args: [] },
  }),
);
const nested = await client.workflow(
  chain('two-files', [group('chunks', [chunk(1, 10), chunk(11, 20)]), { type: 'import.finalize', args: [] }]),
);
await worker.runUntil(async () => {
  for (const result of await workflow.wait()) console.log(result instanceof Error ? result.message : result);
  console.log(await nested.wait());
});
await client.close();
