import { type Client, defineJob, isOjsError, type JobContext, type JobHandle, Worker } from '@ojs-ts/sdk';

const send = defineJob<'email.send', [to: string, template: 'welcome' | 'reset'], { sent: boolean }>('email.send', {
  queue: 'email',
});

export async function produce(client: Client): Promise<boolean> {
  const handle: JobHandle = await client.enqueue('email.send', ['a@b.c', 'welcome'], { queue: 'email', priority: 10 });
  try {
    await handle.wait({ timeout: '30s' });
  } catch (error) {
    if (isOjsError(error, 'not_found')) return false;
    throw error;
  }
  return handle.state === 'completed';
}

export function consume(): Worker {
  const worker = new Worker('http://localhost:8080', { queues: ['email', 'default'], concurrency: 10 });
  worker.register(send.type, (ctx: JobContext) => ({ sent: ctx.args.length === 2 }));
  // @ts-expect-error a Date is no duration
  void worker.stop({ timeout: new Date() });
  return worker;
}
