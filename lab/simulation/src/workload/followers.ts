import { rollAt, type Work } from './actor.ts';

const followed = ['job.started', 'job.completed', 'job.failed'];

/** Follows the events of jobs for up to 15 s, across every break of the stream. */
export const follower: Work = async ({ context, process, roll }) => {
  const { recorder, world } = context;
  const subscriber = `${process.node.name} at ${Math.round(world.now)}`;
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('The follower has seen enough.')), 2_000 + 13_000 * rollAt(roll, 0));
  let isFirst = true;
  for await (const event of process.client.events({ types: followed, signal: controller.signal })) {
    const position = Number(event.id);
    if (event.event === 'system.gap' || !Number.isInteger(position)) continue;
    if (isFirst) recorder.add('subscribe', { subscriber, after: position - 1, types: followed });
    isFirst = false;
    recorder.add('event', { subscriber, position, type: event.event, job: event.jobId });
  }
};
