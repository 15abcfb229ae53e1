import { isQueueName, type Millis, ProtocolError } from '@ojs-ts/core';
import type { JobId, JobRecord } from '@ojs-ts/core/job';
import { notFound } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { Topic } from '../log/event-subscriptions.ts';

type Engine = Parts<'clock' | 'jobs' | 'queueSettings' | 'queues'>;

/** A client's subscription (ojs-realtime §3.2), under the name in its request. */
export type Channel =
  | { readonly kind: 'job'; readonly id: JobId; readonly name: string }
  | { readonly kind: 'queue'; readonly queue: string; readonly name: string }
  | { readonly kind: 'all'; readonly name: string };

export const everything: Channel = { kind: 'all', name: 'all' };

/** @throws ProtocolError `invalid_request` for a text that is no channel. */
export function readChannel(text: string): Channel {
  if (text === 'all') return everything;
  if (text.startsWith('job:')) return jobChannel(text.slice('job:'.length));
  if (text.startsWith('queue:')) return queueChannel(text.slice('queue:'.length));
  throw ProtocolError.invalid([{ path: 'channel', message: 'must be job:ID, queue:NAME or all' }]);
}

export function jobChannel(id: JobId): Channel {
  return { kind: 'job', id, name: `job:${id}` };
}

export function queueChannel(queue: string): Channel {
  return { kind: 'queue', queue, name: `queue:${queue}` };
}

export function topicOf(channel: Channel): Topic {
  if (channel.kind === 'job') return { job: channel.id };
  return channel.kind === 'queue' ? { queue: channel.queue } : 'all';
}

/** The subject of a channel: when it began, and the job of a job's channel. */
export interface Found {
  readonly began: Millis;
  readonly job: JobRecord | null;
}

/** @throws ProtocolError `not_found` if the job or queue does not exist. */
export async function find(engine: Engine, channel: Channel): Promise<Found> {
  if (channel.kind === 'job') {
    const job = await engine.jobs.get(channel.id);
    if (job === null)
      throw new ProtocolError('not_found', `There is no job with the id ${channel.id}.`, { job_id: channel.id });
    return { began: job.createdAt, job };
  }
  if (channel.kind === 'all') {
    const queues = await engine.queues.queues();
    return {
      began: queues.reduce((first, { createdAt }) => Math.min(first, createdAt), engine.clock.now()),
      job: null,
    };
  }
  const queue = isQueueName(channel.queue) ? await engine.queueSettings.find(channel.queue) : null;
  if (queue === null) throw notFound('queue', channel.queue);
  return { began: queue.createdAt, job: null };
}
