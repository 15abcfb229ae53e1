import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { measured } from '../../../src/engine/telemetry/measured-storage.ts';
import { Telemetry } from '../../../src/engine/telemetry/telemetry.ts';
import { openTracing } from '../../../src/engine/telemetry/tracing.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

test('without a provider there is no tracing', async () => {
  trace.disable();
  expect((await openTracing()).isOn).toBe(false);
  await using b = await bench('memory:');
  expect(b.engine.telemetry.tracing.isOn).toBe(false);
});

test('without the package an engine runs', () => {
  const hook = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === '@opentelemetry/api')
          throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(specifier, context);
      },
    });`;
  const index = resolve(import.meta.dirname, '../../../src/index.ts');
  const script = `${hook}
    const { openEmbedded } = await import(${JSON.stringify(index)});
    await using embedded = await openEmbedded('memory:');
    console.log(embedded.engine.telemetry.tracing.isOn);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe('false');
});

describe('with a provider', () => {
  const spans = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const tracer = provider.getTracer('test');

  beforeAll(() => {
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => {
    trace.disable();
    context.disable();
  });
  beforeEach(() => spans.reset());

  const named = (name: string): readonly ReadableSpan[] =>
    spans.getFinishedSpans().filter((span) => span.name === name);

  /** Runs each work in a span of its own, all at once; answers the ids of the spans. */
  async function callers(works: readonly (() => Promise<unknown>)[]): Promise<readonly string[]> {
    return Promise.all(
      works.map((work) =>
        tracer.startActiveSpan('caller', async (span) => {
          await work();
          span.end();
          return span.spanContext().spanId;
        }),
      ),
    );
  }

  describe.each(storages)('on $name', ({ name, url }) => {
    test('a call to the store is below its single caller', async () => {
      await using b = await bench(url());
      const [caller] = await callers([() => b.push()]);
      const [insert] = named('jobs.insert');
      expect(insert).toMatchObject({
        kind: ['memory', 'sqlite'].includes(name) ? SpanKind.INTERNAL : SpanKind.CLIENT,
        parentSpanContext: { spanId: caller },
        links: [],
        attributes: { 'db.system.name': name === 'postgres' ? 'postgresql' : name, 'db.operation.name': 'jobs.insert' },
      });
    });

    test('a call that serves several callers is linked to each, and below none', async () => {
      await using b = await bench(url());
      const made = await callers([() => b.push(), () => b.push(), () => b.push()]);
      const inserts = named('jobs.insert');
      // One batch, or a first one of those that were there first.
      const served = inserts.flatMap(({ links, parentSpanContext: parent }) => {
        expect(links.length === 0).toBe(parent !== undefined);
        return parent === undefined ? links.map((link) => link.context.spanId) : [parent.spanId];
      });
      expect(served.toSorted()).toEqual(made.toSorted());
      expect(inserts.some(({ attributes }) => Number(attributes['db.operation.batch.size']) > 1)).toBe(true);
    });
  });

  test('a failing call ends its span as an error, by a word in place of the text', async () => {
    const storage = await openStorage('memory:');
    await storage[Symbol.asyncDispose]();
    const { jobs } = measured(storage, new Telemetry(await openTracing()));
    await expect(jobs.get([newId()])).rejects.toThrow('closed');
    expect(named('jobs.get')).toMatchObject([
      { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'error' } },
    ]);
  });

  test('the work of the server itself has the spans of ojs-observability §6.3, each of its own trace', async () => {
    await using b = await bench('memory:');
    await tracer.startActiveSpan('whoever set the timer', async (span) => {
      await b.engine.telemetry.round('due', () => b.engine.upkeep.run());
      span.end();
    });
    for (const name of ['ojs.scheduler poll', 'ojs.visibility check', 'ojs.reaper check', 'ojs.cron trigger']) {
      expect([name, named(name)]).toEqual([name, [expect.objectContaining({ kind: SpanKind.INTERNAL })]]);
      const [one] = named(name);
      expect(one?.parentSpanContext).toBeUndefined();
    }
    const [poll] = named('ojs.scheduler poll');
    expect(named('upkeep.promote')).toMatchObject([{ parentSpanContext: { spanId: poll?.spanContext().spanId } }]);
  });

  test('the end of a step advances its workflow, below the call that ended it', async () => {
    await using b = await bench('memory:');
    const steps = ['a.one', 'a.two'].map((type) => ({ type, args: [] }));
    await b.engine.workflows.create(b.engine.workflows.read(JSON.stringify({ type: 'chain', steps }), newId));
    spans.reset();
    const [job] = await b.fetch({ queues: ['default'] });
    const [caller] = await callers([
      () =>
        b.engine.protocol.settle({
          kind: 'ack',
          id: job?.id ?? '',
          worker: null,
          claim: job?.claim ?? null,
          result: null,
        }),
    ]);
    expect(named('ojs.workflow advance')).toMatchObject([{ parentSpanContext: { spanId: caller } }]);
  });
});
