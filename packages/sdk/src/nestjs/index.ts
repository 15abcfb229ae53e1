import type { NamesOf } from '@ojs-ts/core';
import { Client } from '../client/client.ts';
import { OJSError } from '../errors.ts';
import { ExpressOjs, type ExpressOptions } from '../express/index.ts';
import { contextAppNames } from '../framework/app.ts';
import type { ArgsOf, JobDef, JobTypes, ResultOf } from '../job/definition.ts';
import { known } from '../options/known.ts';
import type { JobContext } from '../worker/execution/context.ts';

export type { HealthReport } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** What is used of NestJS' modules and providers. */
type Token = string | symbol | (abstract new (...args: never[]) => unknown);

/** Nest's provider with a factory. */
export interface NestProvider {
  provide: Token;
  useFactory: (...dependencies: never[]) => unknown;
  inject?: Token[];
}

/** Nest's dynamic module. */
export interface NestModule {
  module: new () => OjsModule;
  global: true;
  imports: NestImport[];
  providers: NestProvider[];
  exports: Token[];
}

/** A module's class, or a dynamic module. */
type NestImport = (new (...args: never[]) => unknown) | { module: new (...args: never[]) => unknown };

/** Options that other providers know. */
export interface NestAsyncOptions {
  /** Modules that provide what `inject` names. */
  imports?: NestImport[] | undefined;
  /** Makes the options of what `inject` names. */
  useFactory: (...dependencies: never[]) => ExpressOptions | Promise<ExpressOptions>;
  /** Its arguments. */
  inject?: Token[] | undefined;
}

const asyncNames: NamesOf<NestAsyncOptions> = { imports: true, useFactory: true, inject: true };

/** The application's OJS as a provider: `constructor(private readonly ojs: NestOjs)`. Nest calls its hooks. */
export class NestOjs<R = JobTypes> extends ExpressOjs<R> {
  /** Starts the worker, where there is one. */
  onApplicationBootstrap(): void {
    this.start();
  }

  /** After the HTTP server has closed. On SIGTERM only with `app.enableShutdownHooks()`. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

/**
 * `imports: [OjsModule.forRoot({ … })]`: provides {@link NestOjs} and its {@link Client} everywhere.
 * `app.use(app.get(NestOjs).middleware)` adds the request context.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class OjsModule {
  /** With options that are known. */
  static forRoot(options: ExpressOptions = {}): NestModule {
    known(options, contextAppNames);
    return OjsModule.forRootAsync({ useFactory: () => options });
  }

  /** With options that other providers make. */
  static forRootAsync(options: NestAsyncOptions): NestModule {
    known(options, asyncNames);
    const { imports = [], useFactory, inject = [] } = options;
    return {
      module: OjsModule,
      global: true,
      imports,
      providers: [
        {
          provide: NestOjs,
          useFactory: async (...dependencies: never[]) => new NestOjs(await useFactory(...dependencies)),
          inject,
        },
        { provide: Client, useFactory: (ojs: NestOjs) => ojs.client, inject: [NestOjs] },
      ],
      exports: [NestOjs, Client],
    };
  }
}

/**
 * A provider that registers a method of another provider as the handler of a job, in whatever module that one is:
 * `providers: [Mailer, ojsHandler(emailSend, Mailer, (mailer, ctx) => mailer.send(ctx))]`.
 */
export function ojsHandler<D extends JobDef, S>(
  job: D,
  service: abstract new (...args: never[]) => S,
  handle: (service: S, ctx: JobContext<ArgsOf<D>>) => ResultOf<D> | Promise<ResultOf<D>>,
): NestProvider {
  return {
    provide: Symbol(`ojs handler of ${job.type}`),
    inject: [NestOjs, service],
    useFactory: (ojs: NestOjs, instance: S) => {
      if (ojs.worker === undefined)
        throw new OJSError(`OjsModule.forRoot() was given no worker for the handler of ${job.type}.`);
      ojs.worker.register(job, (ctx: JobContext<ArgsOf<D>>) => handle(instance, ctx));
      return job.type;
    },
  };
}
