import { Admin, Client, defineJob, job, Worker } from '@ojs-ts/sdk';

const invoiceSend = defineJob<'invoice.send', [customer: string, number: number]>('invoice.send');

/** Each customer gets at most ten invoices per minute. */
function invoice(customer: string, number: number) {
  return job(invoiceSend, [customer, number], {
    limits: [{ key: `customer:${customer}`, rate: { limit: 10, period: '1m' } }],
  });
}

const client = new Client();
const admin = new Admin();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(invoiceSend, () => {});

const acme = await client.enqueueBatch(Array.from({ length: 12 }, (_, number) => invoice('acme', number)));
const [zeta] = await client.enqueueBatch([invoice('zeta', 1)]);
await worker.runUntil(Promise.all([...acme.slice(0, 10), zeta].map((sent) => sent.wait())));

for await (const { key, rates, waiting } of await admin.listLimits())
  console.log(key, 'used', rates[0]?.used, 'waiting', waiting);
await Promise.all([client.close(), admin.close()]);
