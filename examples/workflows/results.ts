import { Client, dag, defineJob, job, parentResults, Worker } from '@ojs-ts/sdk';

const usersRead = defineJob<'users.read', [], { users: number }>('users.read');
const ordersRead = defineJob<'orders.read', [day: string], { orders: number }>('orders.read');
const reportMake = defineJob<'report.make', [], { ordersPerUser: number }>('report.make');

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(usersRead, () => ({ users: 20 }));
worker.register(ordersRead, () => ({ orders: 50 }));
worker.register(reportMake, (ctx) => {
  const [{ orders }, { users }] = parentResults(ctx, ordersRead, usersRead); // the order of `after`
  return { ordersPerUser: orders / users };
});

const workflow = await client.workflow(
  dag('daily', {
    users: { job: job(usersRead, []) },
    orders: { job: job(ordersRead, ['2026-03-01']) },
    report: { job: job(reportMake, []), after: ['orders', 'users'] },
  }),
);
const { orders, report } = await worker.runUntil(() => workflow.wait());
console.log(orders, report);
await client.close();
