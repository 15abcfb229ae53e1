import { type CallContext, type StreamAnswer, type StreamCall, uuidv7 } from '@ojs-ts/core';
import { checkRight, QueueAccess } from '../binding/access.ts';
import { auditStreamRefusal } from '../binding/audit.ts';
import { checkStreamQuery, streamParameters } from '../binding/query-parameters.ts';
import { faultOf, refusal } from '../binding/reply.ts';
import { readChannel } from '../realtime/streams/channel.ts';
import type { Connection, Delivery, Sink } from '../realtime/streams/connection.ts';
import { filterOf, type Realtime } from '../realtime/streams/realtime.ts';
import { SummaryStream } from '../realtime/streams/summary-stream.ts';
import { heartbeatComment, streamEvent, streamHead, writeFrames } from '../realtime/streams/wire.ts';

/** As over HTTP (realtime options), so that a client's silence timeout works for both. */
const heartbeatMs = 10_000;

/** The connection that fills a stream. */
type Writer = Pick<Connection, 'lastId' | 'run' | 'close'>;

/** The streams of ojs-realtime §2, and of summaries, in the same process: the text of HTTP, without a socket. */
export class Streams {
  readonly #realtime: Realtime;
  readonly #summaries: SummaryStream;
  readonly #open = new Map<Writer, TextSink>();

  constructor(realtime: Realtime) {
    this.#realtime = realtime;
    this.#summaries = new SummaryStream(realtime.engine);
  }

  async open(call: StreamCall, context: CallContext): Promise<StreamAnswer> {
    const { signal, requestId = `req_${uuidv7()}`, grant } = context;
    const headers = { 'x-request-id': requestId };
    const sink = new TextSink();
    let writer: Writer | null = null;
    try {
      checkRight(grant, 'inspect');
      const access = QueueAccess.of(this.#realtime.engine, grant);
      writer =
        call.channel === 'summaries' ? this.#summariesOf(call, sink, access) : await this.#eventsOf(call, sink, access);
      signal?.throwIfAborted();
    } catch (error) {
      writer?.close();
      signal?.throwIfAborted();
      auditStreamRefusal(this.#realtime.engine, { ...context, requestId }, call.channel, error);
      const { status, text } = refusal(faultOf(error), { requestId });
      return { status, text, headers, chunks: null };
    }
    if (writer === null) return { status: 204, text: '', headers, chunks: null };
    const opened = writer;
    this.#open.set(opened, sink);
    void sink.put(streamHead(opened.lastId));
    opened.run().catch((error: unknown) => sink.fail(error));
    // Heard from now on: a caller that is gone before it reads the first chunk never starts to read.
    const abort = () => this.#leave(opened, sink, signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const chunks = this.#chunks(opened, sink, () => signal?.removeEventListener('abort', abort));
    return { status: 200, text: '', headers: { ...headers, 'content-type': 'text/event-stream' }, chunks };
  }

  /** Ends every stream. */
  close(): void {
    for (const [writer, sink] of this.#open) this.#leave(writer, sink);
  }

  /** Null if nothing is left to send. */
  async #eventsOf(call: StreamCall, sink: TextSink, access: QueueAccess | null): Promise<Writer | null> {
    const { query = {}, lastEventId = null } = call;
    const connection = await this.#realtime.connect(sink);
    try {
      checkStreamQuery(streamParameters.events, query);
      const [channel, filter] = [readChannel(call.channel), filterOf(query)];
      await access?.channel(channel, filter);
      if (await connection.openStream(channel, filter, lastEventId)) return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.close();
    return null;
  }

  #summariesOf({ query = {}, lastEventId }: StreamCall, sink: TextSink, access: QueueAccess | null): Writer {
    checkStreamQuery(streamParameters.state, query);
    this.#realtime.engine.subscriptions.requireLog();
    const gone = new AbortController();
    return {
      lastId: '',
      run: () => writeFrames(sink, this.#summaries.follow(access, lastEventId ?? null, gone.signal)),
      close: () => gone.abort(),
    };
  }

  async *#chunks(writer: Writer, sink: TextSink, done: () => void): AsyncGenerator<string> {
    const heartbeat = setInterval(() => sink.beat(), heartbeatMs).unref();
    try {
      yield* sink.chunks();
    } finally {
      clearInterval(heartbeat);
      done();
      this.#leave(writer, sink);
    }
  }

  #leave(writer: Writer, sink: TextSink, reason?: unknown): void {
    this.#open.delete(writer);
    writer.close();
    if (reason === undefined) sink.end();
    else sink.fail(reason);
  }
}

/** Text that waits for its reader. A write resolves when it was read, so the writer notices a slow reader. */
class TextSink implements Sink {
  readonly #waiting: { readonly text: string; readonly taken: () => void }[] = [];
  #wake: () => void = () => {};
  #end: { readonly error: unknown } | null = null;

  write(deliveries: readonly Delivery[]): Promise<void> {
    return this.put(deliveries.map(streamEvent).join(''));
  }

  put(text: string): Promise<void> {
    if (this.#end !== null) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ text, taken });
      this.#wake();
    });
  }

  /** A reader with unread text needs no keep-alive comment. */
  beat(): void {
    if (this.#waiting.length === 0) void this.put(heartbeatComment);
  }

  end(): void {
    this.#end ??= { error: null };
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *chunks(): AsyncGenerator<string> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          next.taken();
          yield next.text;
        } else if (this.#end !== null) {
          if (this.#end.error !== null) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#end ??= { error: null };
      for (const { taken } of this.#waiting.splice(0)) taken();
    }
  }
}
