import { type Actor, oneOf, queues, rollAt, sleep, type Work } from './actor.ts';

/** One of the newest hundred jobs. */
function chosen({ context, roll }: Actor): string {
  const { made } = context;
  const id = made[made.length - 1 - Math.floor(Math.min(100, made.length) * rollAt(roll, 0))];
  if (id === undefined) throw new Error('There is no job yet.');
  return id;
}

/** Cancels, discards, retries or deletes a job, whatever it is doing. */
export const operator: Work = async (actor) => {
  const { admin } = actor.process;
  const job = chosen(actor);
  const what = oneOf(['cancel', 'discard', 'retry', 'delete', 'read'] as const, actor.roll, 1);
  switch (what) {
    case 'cancel':
      await admin.cancelJobs([job]);
      break;
    case 'discard':
      await admin.discardJob(job);
      break;
    case 'retry':
      await admin.retryJobs([job]);
      break;
    case 'delete':
      await admin.deleteJobs([job]);
      break;
    case 'read':
      await admin.getJob(job);
      await admin.listJobs({ limit: 20 });
      await admin.queueStats('plain');
  }
};

export const removeWorker: Work = async ({ process, roll }) => {
  const { items } = await process.admin.listWorkers();
  if (items.length > 0) await process.admin.removeWorker(oneOf(items, roll, 0).workerId, { force: true });
};

/** Pauses a queue, and resumes it. A pause whose end is lost lasts until the calm. */
export const pause: Work = async ({ process, roll }) => {
  const queue = oneOf(queues, roll, 0);
  await process.client.pauseQueue(queue);
  await sleep(4_000 * rollAt(roll, 1));
  await process.client.resumeQueue(queue);
};

export const cronNames = ['c0', 'c1', 'c2'];

/** Registers, triggers, pauses or removes one of three crons. */
export const cron: Work = async ({ process, roll }) => {
  const { client } = process;
  const name = oneOf(cronNames, roll, 0);
  const what = rollAt(roll, 1);
  if (what < 0.5)
    await client.registerCronJob(name, '*/2 * * * * *', 'job.cron', [{ holdMs: Math.floor(3_000 * rollAt(roll, 2)) }], {
      queue: 'plain',
      overlapPolicy: oneOf(['skip', 'allow', 'cancel_previous', 'enqueue'] as const, roll, 3),
    });
  else if (what < 0.65) await client.triggerCronJob(name);
  else if (what < 0.8) {
    await client.pauseCronJob(name);
    await sleep(3_000 * rollAt(roll, 2));
    await client.resumeCronJob(name);
  } else await client.unregisterCronJob(name);
};
