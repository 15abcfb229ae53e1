import { OjsFault, type OperationName } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import { deleteDeadLetter, listDeadLetter, retryDeadLetter } from './dead-letter.ts';
import { activateJob, cancelJob, enqueue, enqueueBatch, getJob } from './jobs.ts';
import { listQueues, pauseQueue, queueStats } from './queues.ts';
import { faultOf, type Reply, refusal } from './reply.ts';
import type { BindingRequest } from './request.ts';
import { type About, health, listEvents, manifest } from './system.ts';
import { ack, exchange, fetchJobs, heartbeat, nack } from './workers.ts';

/** A key that were cut would be another call's. */
const maxKey = 255;

type Handler = (engine: Engine, request: BindingRequest, about: About, failed: (error: unknown) => void) => Reply | Promise<Reply>;

const handlers: Readonly<Record<OperationName, Handler>> = {
  'system.manifest': (engine, _, about) => manifest(engine, about),
  'system.health': (engine, _, about) => health(engine, about),
  'job.enqueue': enqueue,
  'job.enqueueBatch': enqueueBatch,
  'job.get': getJob,
  'job.cancel': cancelJob,
  'job.activate': activateJob,
  'worker.fetch': fetchJobs,
  'worker.ack': ack,
  'worker.nack': nack,
  'worker.heartbeat': (engine, request, about) => heartbeat(engine, request, about.testMode),
  'worker.exchange': (engine, request, about, failed) => exchange(engine, request, about.testMode, failed),
  'queue.list': listQueues,
  'queue.stats': queueStats,
  'queue.pause': (engine, request) => pauseQueue(engine, request, true),
  'queue.resume': (engine, request) => pauseQueue(engine, request, false),
  'deadLetter.list': listDeadLetter,
  'deadLetter.retry': retryDeadLetter,
  'deadLetter.delete': deleteDeadLetter,
  'event.list': (engine, request, about) => listEvents(engine, about, request),
};

/**
 * The operations of the HTTP binding on an engine, as text in and text out. HTTP and the embedded transport both call this,
 * so an answer is the same whatever carried it. Never throws: a refusal is a reply.
 */
export class Binding {
  readonly engine: Engine;
  readonly about: About;
  readonly #failed: (error: unknown, operation: OperationName, requestId: string) => void;

  constructor(engine: Engine, about: About, failed: (error: unknown, operation: OperationName, requestId: string) => void) {
    this.engine = engine;
    this.about = about;
    this.#failed = failed;
  }

  async call(operation: OperationName, request: BindingRequest): Promise<Reply> {
    const failed = (error: unknown) => this.#failed(error, operation, request.requestId);
    try {
      if (request.key !== null && request.key.length > maxKey) {
        throw OjsFault.invalid([{ path: 'Idempotency-Key', message: `must have at most ${maxKey} characters` }]);
      }
      const reply = await handlers[operation](this.engine, request, this.about, failed);
      const { undelivered } = reply;
      if (undelivered === undefined) return reply;
      return { ...reply, undelivered: () => undelivered().catch(failed) };
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind.status >= 500) failed(error);
      return refusal(fault, request.requestId);
    }
  }
}
