import type { NamesOf } from '@ojs-ts/core';
import { Client } from '../client/client.ts';
import { OJSError } from '../errors.ts';
import { ExpressOjs, type ExpressOptions } from '../express/index.ts';
import { contextAppNames } from '../framework/app.ts';
import type { ArgsOf, JobDef, JobTypes, ResultOf } from '../job/definition.ts';
import { checkNames } from '../options/check-names.ts';
import type { JobContext } from '../worker/execution/context.ts';

export type { HealthReport } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** The tokens by which NestJS knows providers. */
type Token = string | symbol | (abstract new (...args: never[]) => unknown);

/** NestJS's provider with a factory. */
export interface NestProvider {
  provide: Token;
  useFactory: (...dependencies: never[]) => unknown;
  inject?: Token[];
}

/** NestJS's dynamic module. */
export interface NestModule {
  module: new () => OjsModule;
  global: true;
  imports: NestImport[];
  providers: NestProvider[];
  exports: Token[];
}

/** The class of a module, or a dynamic module. */
type NestImport = (new (...args: never[]) => unknown) | { module: new (...args: never[]) => unknown };

/** Options of {@link OjsModule.forRootAsync}. */
export interface NestAsyncOptions {
  /** Modules that export the providers in `inject`. */
  imports?: NestImport[] | undefined;
  /** Creates the options from the providers in `inject`. */
  useFactory: (...dependencies: never[]) => ExpressOptions | Promise<ExpressOptions>;
  /** Providers to pass to `useFactory`. */
  inject?: Token[] | undefined;
}

const asyncNames: NamesOf<NestAsyncOptions> = { imports: true, useFactory: true, inject: true };

/** The OJS helper as a provider: `constructor(private readonly ojs: NestOjs)`. NestJS calls its lifecycle hooks. */
export class NestOjs<R = JobTypes> extends ExpressOjs<R> {
  /** Starts the worker, if there is one. */
  onApplicationBootstrap(): void {
    this.start();
  }

  /**
   * Closes worker and client after the HTTP server has closed. On SIGTERM NestJS calls it only with
   * `app.enableShutdownHooks()`.
   */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

/**
 * `imports: [OjsModule.forRoot({ … })]` provides {@link NestOjs} and its {@link Client} in every module
 * (ojs-framework-adapters §5). `app.use(app.get(NestOjs).middleware)` adds the request context.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class OjsModule {
  /** With fixed options. */
  static forRoot(options: ExpressOptions = {}): NestModule {
    checkNames(options, contextAppNames);
    return OjsModule.forRootAsync({ useFactory: () => options });
  }

  /** With options from other providers. */
  static forRootAsync(options: NestAsyncOptions): NestModule {
    checkNames(options, asyncNames);
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
 * A provider that registers a method of another provider as the handler of a job, from any module: `providers: [Mailer,
 * ojsHandler(emailSend, Mailer, (mailer, ctx) => mailer.send(ctx))]`.
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
