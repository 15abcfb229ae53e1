import { payloadFilter } from '@ojs-ts/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QueueAccess } from '../../binding/access.ts';
import { checkStreamQuery, streamParameters } from '../../binding/query-parameters.ts';
import type { Delivery } from '../../binding/realtime/connection.ts';
import {
  follow,
  hasMore,
  type JobFrame,
  type JobStream,
  progressStream,
  resultStream,
} from '../../binding/realtime/job-stream.ts';
import { faultOf } from '../../binding/reply.ts';
import { singles } from '../query.ts';
import type { OpenStream } from './open-streams.ts';
import type { RealtimeParts, Streams } from './parts.ts';
import { EventStream } from './stream.ts';

/** The streams of one job's progress and result: its current state, not its events. */
export function addJobStreams(
  app: FastifyInstance,
  { binding, authorization, options, failed }: RealtimeParts,
  streams: Streams,
): void {
  const { engine } = binding;

  async function open(request: FastifyRequest, reply: FastifyReply, stream: JobStream): Promise<FastifyReply> {
    const { raw } = reply;
    checkStreamQuery(streamParameters.job, singles(request.query));
    const { id = '' } = request.params as Readonly<Record<string, string>>;
    await QueueAccess.of(engine, request.holder?.grant)?.jobs([id]);
    const leave = streams.enter(request, reply);
    raw.once('close', leave);
    try {
      if (!(await hasMore(engine, id, streams.cursorOf(request)))) {
        leave();
        // The only answer after which an EventSource does not reconnect.
        return reply.code(204).removeHeader('content-type').send();
      }
    } catch (error) {
      leave();
      throw error;
    }
    reply.hijack();
    const sink = new EventStream(raw, options.heartbeatMs, streams.slowReaders);
    const gone = new AbortController();
    const opened: OpenStream = { shutDown: async () => gone.abort(), destroy: () => sink.destroy() };
    streams.openStreams.add(opened, request.holder);
    raw.once('close', () => {
      streams.openStreams.delete(opened);
      gone.abort();
    });
    // The connection ends with its stream, so that it does not delay the end of the server.
    sink.open({ ...reply.getHeaders(), connection: 'close' }, '');
    if (raw.destroyed || streams.isClosing()) gone.abort();
    const shown = payloadFilter(request.holder?.grant) ?? ((text) => text);
    send(sink, follow(engine, id, stream, shown, gone.signal)).catch((error: unknown) => {
      failed(error, 'stream', request.id);
      sink.destroy();
    });
    return reply;
  }

  for (const [url, stream, right] of [
    ['/ojs/v1/jobs/:id/progress/stream', progressStream, 'inspect'],
    // Its last event has the result under another name.
    ['/ojs/v1/jobs/:id/result/stream', resultStream, 'payload'],
  ] as const) {
    app.get(url, {
      config: { stream: true },
      onRequest: async (request) => authorization.check(request, right),
      handler: async (request, reply) => {
        try {
          return await open(request, reply, stream);
        } catch (error) {
          if (faultOf(error).kind.status >= 500) failed(error, 'stream', request.id);
          throw error;
        }
      },
    });
  }
}

/** A slow reader misses intermediate states, never the last one. */
async function send(sink: EventStream, frames: AsyncIterable<JobFrame>): Promise<void> {
  for await (const { name, id, data } of frames) {
    const delivery: Delivery = {
      to: { channel: '', subscriptionId: null },
      message: { name, id, data, at: 0 },
      dropped: null,
    };
    await sink.write([delivery]);
  }
  sink.end();
}
