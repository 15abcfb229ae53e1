import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { newId } from '../support/ids.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';

const spans = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;

beforeAll(() => {
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

beforeEach(() => spans.reset());

/** Once the answer is written, its span ends. */
async function spanNamed(name: string): Promise<ReadableSpan> {
  return vi.waitFor(() => {
    const found = spans.getFinishedSpans().find((span) => span.name === name);
    if (found === undefined) throw new Error(`no span ${name}`);
    return found;
  });
}

function named(name: string): readonly ReadableSpan[] {
  return spans.getFinishedSpans().filter((span) => span.name === name);
}

describe('requests', () => {
  let server: RunningServer;
  beforeEach(async () => {
    server = await trace.getTracer('test').startActiveSpan('start', async (span) => {
      const started = await serve();
      span.end();
      return started;
    });
    spans.reset();
  });
  afterEach(() => server.close());

  test('a span by the route, below the caller, with the call to the store below it', async () => {
    const headers = { traceparent, 'user-agent': 'a test' };
    await send(server.url, { path: `/ojs/v1/jobs/${newId()}?x=`, headers });
    await send(server.url, { path: `/ojs/v1/jobs/${newId()}`, headers });
    const request = await vi.waitFor(() => {
      const found = named('GET /ojs/v1/jobs/:id').at(-1);
      expect(found?.attributes['http.response.status_code']).toBe(404);
      return found;
    });
    expect(request).toMatchObject({
      kind: SpanKind.SERVER,
      parentSpanContext: { ...caller, isRemote: true },
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/ojs/v1/jobs/:id',
        'url.path': expect.stringMatching(/^\/ojs\/v1\/jobs\/[-0-9a-f]+$/),
        'url.scheme': 'http',
        'http.response.status_code': 404,
        'user_agent.original': 'a test',
      },
    });
    const [store] = named('jobs.get').slice(-1);
    expect(store).toMatchObject({
      kind: SpanKind.INTERNAL,
      parentSpanContext: { spanId: request?.spanContext().spanId },
      attributes: { 'db.system.name': 'memory', 'db.operation.name': 'jobs.get' },
    });
    expect(store?.spanContext().traceId).toBe(caller.traceId);
  });

  test('without a caller a trace of its own, not one of whoever has started the server', async () => {
    await send(server.url, { path: '/ojs/v1/queues' });
    expect((await spanNamed('GET /ojs/v1/queues')).parentSpanContext).toBeUndefined();
  });

  test('a refusal is no error of the server, a failure is', async () => {
    await send(server.url, { path: '/nowhere' });
    expect((await spanNamed('GET')).status.code).toBe(SpanStatusCode.UNSET);
    server.engine.storage.registry.queues = () => Promise.reject(new Error('a bug'));
    expect((await send(server.url, { path: '/ojs/v1/queues' })).status).toBe(500);
    expect(await spanNamed('GET /ojs/v1/queues')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': '500' },
    });
  });

  test('a job links its requests to the trace that enqueued it', async () => {
    const id = newId();
    const job = { id, type: 'a.b', args: [], meta: { traceparent }, options: { queue: 'q' } };
    expect((await call(server.url, '/jobs', job)).status).toBe(201);
    await send(server.url, { path: `/ojs/v1/jobs/${id}` });
    await call(server.url, '/workers/fetch', { queues: ['q'] });
    for (const name of ['POST /ojs/v1/jobs', 'GET /ojs/v1/jobs/:id', 'POST /ojs/v1/workers/fetch']) {
      const { links, parentSpanContext } = await spanNamed(name);
      expect([name, links.map((link) => link.context)]).toEqual([name, [expect.objectContaining(caller)]]);
      expect(parentSpanContext).toBeUndefined();
    }
  });
});
