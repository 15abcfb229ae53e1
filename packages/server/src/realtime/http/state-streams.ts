import { payloadFilter, type Right } from '@ojs-ts/core/access';
import { operations } from '@ojs-ts/core/operations';
import { singles } from '@ojs-ts/core/requests';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QueueAccess } from '../../binding/access.ts';
import { checkStreamQuery, streamParameters } from '../../binding/query-parameters.ts';
import { faultOf } from '../../binding/reply.ts';
import { follow, hasMore, type JobStream, progressStream, resultStream } from '../streams/job-stream.ts';
import { StatisticsStream } from '../streams/statistics-stream.ts';
import { SummaryStream } from '../streams/summary-stream.ts';
import { type StateFrame, writeFrames } from '../streams/wire.ts';
import type { OpenStream } from './open-streams.ts';
import type { RealtimeParts, Streams } from './parts.ts';
import { EventStream } from './stream.ts';
import { streamAudit } from './stream-audit.ts';

interface StateStream {
  readonly right: Right | 'open';
  /** @throws ProtocolError if the caller's token is for other queues, or if there can be no such stream. */
  readonly admit: (request: FastifyRequest) => Promise<void>;
  /** False for a client that has seen everything. */
  readonly hasMore: (request: FastifyRequest) => Promise<boolean>;
  readonly follow: (request: FastifyRequest, signal: AbortSignal) => AsyncIterable<StateFrame>;
}

/**
 * The streams of what is merged for a slow reader: a job's progress and result, the statistics, summaries of events.
 */
export function addStateStreams(app: FastifyInstance, parts: RealtimeParts, streams: Streams): void {
  const { authorization, options, failed } = parts;
  const { engine } = parts.binding;
  const audited = streamAudit(engine);

  async function open(request: FastifyRequest, reply: FastifyReply, stream: StateStream): Promise<FastifyReply> {
    const { raw } = reply;
    checkStreamQuery(streamParameters.state, singles(request.query));
    await stream.admit(request);
    const leave = streams.enter(request, reply);
    raw.once('close', leave);
    try {
      if (!(await stream.hasMore(request))) {
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
    writeFrames(sink, stream.follow(request, gone.signal)).catch((error: unknown) => {
      failed(error, 'stream', request.id);
      sink.destroy();
    });
    return reply;
  }

  function route(url: string, stream: StateStream): void {
    app.get(url, {
      config: { stream: true },
      onRequest: async (request) => audited(request, () => authorization.check(request, stream.right)),
      handler: async (request, reply) => {
        try {
          return await audited(request, () => open(request, reply, stream));
        } catch (error) {
          if (faultOf(error).kind.status >= 500) failed(error, 'stream', request.id);
          throw error;
        }
      },
    });
  }

  function ofJob(right: Right, stream: JobStream): StateStream {
    const idOf = ({ params }: FastifyRequest) => (params as Readonly<Record<string, string>>).id ?? '';
    return {
      right,
      admit: async (request) => {
        await QueueAccess.of(engine, request.holder?.grant)?.jobs([idOf(request)]);
        engine.subscriptions.requireLog();
      },
      hasMore: (request) => hasMore(engine, idOf(request), streams.cursorOf(request)),
      follow: (request, signal) => {
        const shown = payloadFilter(request.holder?.grant) ?? ((text) => text);
        return follow(engine, idOf(request), stream, shown, signal);
      },
    };
  }

  route('/ojs/v1/jobs/:id/progress/stream', ofJob('inspect', progressStream));
  // Its last event has the result under another name.
  route('/ojs/v1/jobs/:id/result/stream', ofJob('payload', resultStream));

  const statistics = new StatisticsStream(engine, options.statisticsMs);
  route('/ojs/v1/admin/stats/stream', {
    right: operations['admin.stats'].right,
    admit: async (request) => QueueAccess.of(engine, request.holder?.grant)?.checkPath('admin.stats', {}),
    hasMore: async () => {
      // While the store does not answer, the stream is refused and not broken off.
      await statistics.latest();
      return true;
    },
    follow: (_, signal) => statistics.follow(signal),
  });

  const summaries = new SummaryStream(engine);
  route('/ojs/v1/admin/events/summaries', {
    right: operations['event.list'].right,
    admit: async () => engine.subscriptions.requireLog(),
    hasMore: async () => {
      // As above: a store that does not answer refuses the stream.
      await engine.subscriptions.ends();
      return true;
    },
    follow: (request, signal) =>
      summaries.follow(QueueAccess.of(engine, request.holder?.grant), streams.cursorOf(request), signal),
  });
}
