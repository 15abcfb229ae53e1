import { DatabaseSync } from 'node:sqlite';
import { openEmbedded, startServer } from '@ojs-ts/server';
import {
  CodecChain,
  codecServer,
  EncryptionCodec,
  encryptionEnqueueMiddleware,
  encryptionMiddleware,
  GzipCodec,
} from '../../src/encryption/index.ts';
import { ExpressOjs, expressOjs } from '../../src/express/index.ts';
import { fastifyOjs } from '../../src/fastify/index.ts';
import { OjsApp } from '../../src/framework/app.ts';
import { HonoOjs, honoOjs } from '../../src/hono/index.ts';
import {
  Admin,
  type BulkHandle,
  batch,
  Client,
  chain,
  dag,
  defineJob,
  group,
  httpTransport,
  job,
  nextRuns,
  Worker,
} from '../../src/index.ts';
import { MiddlewareChain } from '../../src/middleware/chain.ts';
import {
  addDefaultMiddleware,
  enqueueLoggingMiddleware,
  loggingMiddleware,
  retryMiddleware,
  timeoutMiddleware,
} from '../../src/middleware/index.ts';
import { NestOjs, OjsModule } from '../../src/nestjs/index.ts';
import { NextOjs } from '../../src/next/index.ts';
import { bulkHandle } from '../../src/operations/jobs/bulk-handle.ts';
import { opentelemetryEnqueueMiddleware, opentelemetryMiddleware } from '../../src/otel/index.ts';
import { PushWorker } from '../../src/serverless/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import * as testing from '../../src/testing/index.ts';
import {
  createOutbox,
  inbox,
  OutboxRelay,
  outbox,
  outboxLayout,
  TransactionClient,
  withTransaction,
} from '../../src/transaction/index.ts';

/** Calls a function with the object of options; what it needs besides is in `base`. */
export interface Place {
  readonly call: (options: object) => unknown;
  readonly base?: object;
}

const at = (call: Place['call'], base?: object): Place => ({ call, ...(base && { base }) });

/**
 * Types whose members are no options of ours: values that an application makes by its own code, and values that this
 * package has made.
 */
export const data = `
  Transport Logger MetricsRecorder KeyProvider PayloadCodec SqlTransaction SqlDatabase SqliteDatabase
  HandlerSource Clock EngineLog PgClient PrismaClient PostgresSql KyselyExecutor KnexExecutor FastifyLike
  ClosableServer HonoContext ExpressRequest ExpressResponse CloudflareBatch AzureHttpRequest Call CallContext
  Meta JobDef SignalDef JobContext Job Workflow WorkflowStep Destination PreparedRequest Delivery Scope MiddlewareChain
  Client EnqueueClient DurableContext Worker PushWorker ErrorContext OJSErrorDetail RateLimitInfo Fields Payload Encoded
`
  .trim()
  .split(/\s+/);

/** Parameters that are objects of the caller's, by a type without a name, or of which only types are read. */
export const ofCallers = [
  'drizzleTransaction(tx, sql) tx',
  'pgDatabase(pool) pool',
  'drizzleDatabase(db, sql) db',
  'sqliteDatabase(database) database',
  'sqliteTransaction(database) database',
  'TransactionClient.complete(tx, context, result) context',
  'SqliteJobs.complete(context, result) context',
  'TransactionClient.step(tx, step, value) step',
  'SqliteJobs.step(step, value) step',
  'Client.signal(job, signal, payload, options) job',
  'SyncClient.signal(job, signal, payload, options) job',
  'defineSignal(name, schema) schema',
  'new ChildError(step, child, context) child',
  'parentResults(ctx, parents) ctx',
  'parentResults(ctx, parents) parents[]',
  'dag(name, nodes) nodes',
];

const id = '01900000-0000-7000-8000-000000000001';
const definition = defineJob('a.b');
const codec = new CodecChain([new EncryptionCodec(new Uint8Array(32), 'k')]);
const database = { dialect: 'postgres', query: () => Promise.reject(new Error('written')) } as const;
const fastify = { decorate() {}, addHook() {}, get() {} };

function make(kind: object, ...args: readonly unknown[]): unknown {
  return typeof kind === 'function' ? Reflect.construct(kind, args) : undefined;
}

/** Calls what the compiler would refuse. */
function call(target: object, method: string, ...args: readonly unknown[]): unknown {
  return run(Reflect.get(target, method), target, args);
}

function apply(work: unknown, ...args: readonly unknown[]): unknown {
  return run(work, undefined, args);
}

function run(work: unknown, target: unknown, args: readonly unknown[]): unknown {
  if (typeof work !== 'function') throw new Error('is no function');
  return Reflect.apply(work, target, args);
}

/** In fake mode, where assertions have something to look at. */
function faked(work: unknown, ...args: readonly unknown[]): unknown {
  return testing.fakeMode(() => {
    if (args[0] === 'a.b') void new Client().enqueue('a.b', []);
    return apply(work, ...args);
  });
}

/** What a method is given for a parameter of this name, besides the one that is tested. */
const given: Readonly<Record<string, unknown>> = {
  jobId: id,
  workflowId: id,
  workerId: id,
  queueName: 'q',
  key: 'k',
  name: 'c',
  cron: '@daily',
  uri: 'urn:x',
  version: '1.0.0',
  schema: { type: 'array' },
  job: definition,
  signal: 'go',
  jobType: 'a.b',
  args: [],
  config: { concurrency: 1 },
  numbers: { concurrency: 1 },
  targets: [id],
  filter: {},
  changes: { enabled: true },
  edit: { priority: 1 },
};

/** By method and parameter, where the name alone does not tell. */
const ofMethod: Readonly<Record<string, unknown>> = {
  'getJob definition': definition,
  'enqueueBatch requests': [{ type: 'a.b', args: [] }],
  'startBulk request': { action: 'cancel', query: 'queue:mail' },
  'countBulk request': { action: 'cancel', query: 'queue:mail' },
  'registerCronJob request': { name: 'c', cron: '@daily', type: 'a.b' },
  'workflow definition': batch('w', [{ type: 'a.b', args: [] }], { onComplete: { type: 'a.b', args: [] } }),
};

/** A method of a client: `Client.enqueue(job, args, options) options`, `… requests[]` for the objects of a list. */
export function methodPlace(place: string, target: object): Place {
  const [, method = '', list = '', tested = ''] = /^\w+\.(\w+)\((.*)\) (\w+)/.exec(place) ?? [];
  const argumentOf = (name: string) => ofMethod[`${method} ${name}`] ?? given[name] ?? {};
  const own: unknown = argumentOf(tested);
  const isList = place.endsWith('[]');
  const base: unknown = Array.isArray(own) ? (isList ? own[0] : {}) : own;
  return {
    call: (options) =>
      call(
        target,
        method,
        ...list.split(', ').map((name) => (name === tested ? (isList ? [options] : options) : argumentOf(name))),
      ),
    ...(typeof base === 'object' && base !== null && { base }),
  };
}

function appPlaces(): Record<string, Place> {
  return {
    'expressOjs(options) options': at((own) => apply(expressOjs, own)),
    'new ExpressOjs(options) options': at((own) => make(ExpressOjs, own)),
    'new OjsApp(options) options': at((own) => make(OjsApp, own)),
    'fastifyOjs(fastify, options) options': at((own) => apply(fastifyOjs, fastify, own)),
    'honoOjs(options) options': at((own) => apply(honoOjs, own)),
    'new HonoOjs(options) options': at((own) => make(HonoOjs, own)),
    'new NextOjs(options) options': at((own) => make(NextOjs, own)),
    'new NestOjs(options) options': at((own) => make(NestOjs, own)),
    'OjsModule.forRootAsync(options) options': at((own) => call(OjsModule, 'forRootAsync', own), {
      useFactory: () => ({}),
    }),
    'OjsModule.forRoot(options) options': at((own) => apply(OjsModule.forRoot(own).providers[0]?.useFactory)),
    'OjsApp.enqueueAfterCommit(job, args, options) options': at((own) =>
      call(new OjsApp(), 'enqueueAfterCommit', definition, [], own),
    ),
    'OjsApp.enqueueAfterCommit(jobType, args, options) options': at((own) =>
      call(new OjsApp(), 'enqueueAfterCommit', 'a.b', [], own),
    ),
    'the context of a request': at((own) => {
      const app = new ExpressOjs({ context: () => own });
      return call(app, 'middleware', { headers: {} }, { statusCode: 200, once() {} }, () => {});
    }),
  };
}

function constructorPlaces(target: object): Record<string, Place> {
  const url = 'http://127.0.0.1:9';
  return {
    'new Client(target, options) options': at((options) => make(Client, target, options)),
    'new Client(options) options': at((options) => make(Client, options), { url }),
    'new Admin(target, options) options': at((options) => make(Admin, target, options)),
    'new Admin(options) options': at((options) => make(Admin, options), { url }),
    'new Worker(target, options) options': at((options) => make(Worker, target, options)),
    'new Worker(options) options': at((options) => make(Worker, options), { url: undefined }),
    'httpTransport(url, options) options': at((options) => apply(httpTransport, url, options)),
    'new SyncClient(url, options) options': at((options) => make(SyncClient, url, options)),
    'new SyncClient(options) options': at((options) => make(SyncClient, options), { url }),
    'Worker.start(options) options': at((options) => call(new Worker(url), 'start', options)),
    'Worker.stop(options) options': at((options) => call(new Worker(url), 'stop', options)),
    'new PushWorker(options) options': at((options) => make(PushWorker, options)),
    'PushWorker.run(options, limits) limits': at((options) =>
      call(new PushWorker(), 'run', { job: { id }, workerId: undefined, deliveryId: undefined }, options),
    ),
  };
}

function factoryPlaces(): Record<string, Place> {
  const jobs = [{ type: 'a.b', args: [] }];
  return {
    'defineJob(type, defaults) defaults': at((options) => apply(defineJob, 'a.b', options)),
    'defineJob(type, options) options': at((options) => apply(defineJob, 'a.b', options)),
    'job(definition, args, options) options': at((options) => apply(job, definition, [], options)),
    'chain(name, jobs, options) options': at((options) => apply(chain, 'w', jobs, options)),
    'group(name, jobs, options) options': at((options) => apply(group, 'w', jobs, options)),
    'batch(name, jobs, callbacks) callbacks': at((options) => apply(batch, 'w', jobs, options)),
    'a node of dag()': at((node) => apply(dag, 'w', { a: node }), { job: jobs[0] }),
    'addDefaultMiddleware(chain, options) options': at((options) =>
      apply(addDefaultMiddleware, new MiddlewareChain(), options),
    ),
    'enqueueLoggingMiddleware(options) options': at((options) => apply(enqueueLoggingMiddleware, options)),
    'loggingMiddleware(options) options': at((options) => apply(loggingMiddleware, options)),
    'retryMiddleware(options) options': at((options) => apply(retryMiddleware, options)),
    'timeoutMiddleware(limit) limit': at((limit) => apply(timeoutMiddleware, limit), { seconds: 30 }),
    'opentelemetryEnqueueMiddleware(options) options': at((options) => apply(opentelemetryEnqueueMiddleware, options)),
    'opentelemetryMiddleware(options) options': at((options) => apply(opentelemetryMiddleware, options)),
    'new CodecChain(codecs, options) options': at((options) => make(CodecChain, [new GzipCodec()], options)),
    'new GzipCodec(options) options': at((options) => make(GzipCodec, options)),
    'codecServer(options) options': at((options) => apply(codecServer, options), { codec, authorize: () => true }),
    'encryptionEnqueueMiddleware(options) options': at((options) => apply(encryptionEnqueueMiddleware, options), {
      codec,
    }),
    'encryptionMiddleware(options) options': at((options) => apply(encryptionMiddleware, options), { codec }),
    'nextRuns(cron, options) options': at((options) => apply(nextRuns, '@daily', options)),
    'startServer(options) options': at((options) => apply(startServer, options), { storage: 'memory:', port: 0 }),
    'openEmbedded(url, options) options': at((options) => apply(openEmbedded, 'memory:', options)),
  };
}

function testingPlaces(): Record<string, Place> {
  const matching = Object.entries({
    assertCompleted: testing.assertCompleted,
    assertEnqueued: testing.assertEnqueued,
    assertFailed: testing.assertFailed,
    assertPerformed: testing.assertPerformed,
    refuteEnqueued: testing.refuteEnqueued,
    assertNotEnqueued: testing.assertNotEnqueued,
    refutePerformed: testing.refutePerformed,
  });
  return {
    'perform(job, args, options) options': at((options) => testing.perform(definition, [], options)),
    'realMode(options) options': at((options) => apply(testing.realMode, options)),
    'drain(options) options': at((options) => apply(testing.drain, options)),
    'allEnqueued(filter) filter': at((options) => faked(testing.allEnqueued, options)),
    'assertWorkflowCreated(kind, match) match': at((options) => faked(testing.assertWorkflowCreated, 'chain', options)),
    ...Object.fromEntries(
      matching.map(([name, work]) => [`${name}(job, match) match`, { call: (match) => faked(work, 'a.b', match) }]),
    ),
  };
}

function transactionPlaces(): Record<string, Place> {
  const jobs = new TransactionClient();
  return {
    'new TransactionClient(options) options': at((options) => make(TransactionClient, options)),
    'TransactionClient.enqueue(tx, job, args, options) options': at((options) =>
      call(jobs, 'enqueue', database, definition, [], options),
    ),
    'TransactionClient.enqueue(tx, jobType, args, options) options': at((options) =>
      call(jobs, 'enqueue', database, 'a.b', [], options),
    ),
    'TransactionClient.enqueueBatch(tx, requests) requests[]': at(
      (request) => call(jobs, 'enqueueBatch', database, [request]),
      { type: 'a.b', args: [] },
    ),
    'TransactionClient.prepare(request) request': at((request) => jobs.prepare({ type: 'a.b', args: [], ...request })),
    'inbox(options) options': at((options) => apply(inbox, options)),
    'outbox(options) options': at((options) => apply(outbox, options)),
    'createOutbox(database, options) options': at((options) => apply(createOutbox, database, options)),
    'outboxLayout(dialect, options) options': at((options) => apply(outboxLayout, 'postgres', options)),
    'new OutboxRelay(target, options) options': at((options) => make(OutboxRelay, undefined, options), {
      database: { ...database, isDatabase: true },
    }),
    'SqliteJobs.enqueue(job) job': at((request) =>
      withTransaction(new DatabaseSync(':memory:'), (own) => own.enqueue({ type: 'a.b', args: [], ...request })),
    ),
    'withTransaction(database, work, options) options': at((options) =>
      withTransaction(new DatabaseSync(':memory:'), () => {}, options),
    ),
  };
}

/** A handle of an operation that is nowhere. */
function bulkPlace(): BulkHandle {
  const admin = new Admin('http://127.0.0.1:9');
  const operation = {
    id: 'x',
    action: 'cancel',
    state: 'running',
    matched: 0,
    isLowerBound: false,
    done: 0,
    changed: 0,
    skipped: {},
    createdBy: '',
    startedAt: new Date(0),
    undo: { possible: false },
  } as const;
  return bulkHandle(operation, {
    read: (id, options) => admin.getBulk(id, options),
    stop: (id, options) => admin.stopBulk(id, options),
    resume: (id, options) => admin.resumeBulk(id, options),
    undo: (id, options) => admin.undoBulk(id, options),
    closing: new AbortController().signal,
  });
}

/** Every place where options go in, by the name that the surface gives it. */
export async function placesOf(client: Client, transport: object): Promise<Readonly<Record<string, Place>>> {
  const handle = await client.enqueue('a.b', []);
  const workflow = await client.workflow(chain('w', [{ type: 'a.b', args: [] }]));
  const bulk = bulkPlace();
  return {
    ...constructorPlaces(transport),
    'BulkHandle.refresh(options) options': at((options) => bulk.refresh(options)),
    'BulkHandle.wait(options) options': at((options) => bulk.wait(options)),
    'BulkHandle.stop(options) options': at((options) => bulk.stop(options)),
    'BulkHandle.resume(options) options': at((options) => bulk.resume(options)),
    'BulkHandle.undo(options) options': at((options) => bulk.undo(options)),
    'JobHandle.wait(options) options': at((options) => handle.wait(options)),
    'JobHandle.cancel(options) options': at((options) => handle.cancel(options)),
    'JobHandle.refresh(options) options': at((options) => handle.refresh(options)),
    'WorkflowHandle.wait(options) options': at((options) => workflow.wait(options)),
    ...factoryPlaces(),
    ...appPlaces(),
    ...testingPlaces(),
    ...transactionPlaces(),
  };
}
