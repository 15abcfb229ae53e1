import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Body, Controller, Get, HttpCode, Inject, Injectable, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { openEmbedded } from '@ojs-ts/server';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { Client, defineJob, type JobContext, Worker } from '../../src/index.ts';
import { NestOjs, OjsModule, ojsHandler } from '../../src/nestjs/index.ts';
import { gate } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';
import { ask, exerciseFramework, signup } from './signup.ts';

// Decorators are called as the functions that they are: this source runs without a build.

class Routes {
  readonly ojs: NestOjs;

  constructor(ojs: NestOjs) {
    this.ojs = ojs;
  }

  async signup(body: unknown, response: Response): Promise<{ id: string }> {
    const { status, id } = await signup(this.ojs, body);
    response.status(status);
    return { id };
  }

  health(request: Request, response: Response): Promise<void> {
    return this.ojs.healthRoute(request, response);
  }
}

function decorate(target: object, name: string, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  if (descriptor === undefined) throw new Error(name);
  for (const decorator of decorators) decorator(target, name, descriptor);
}

Inject(NestOjs)(Routes, undefined, 0);
decorate(Routes.prototype, 'signup', Post('signup'), HttpCode(201));
Body()(Routes.prototype, 'signup', 0);
Res({ passthrough: true })(Routes.prototype, 'signup', 1);
decorate(Routes.prototype, 'health', Get('health'));
Req()(Routes.prototype, 'health', 0);
Res()(Routes.prototype, 'health', 1);
Controller()(Routes);

exerciseFramework('nestjs', async (options) => {
  class AppModule {}
  Module({ imports: [OjsModule.forRoot({ ...options, context: () => ({ userId: '7' }) })], controllers: [Routes] })(
    AppModule,
  );
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use(app.get(NestOjs).middleware);
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  let open = true;
  return {
    post: (path, body, headers) => ask(url, path, body, headers),
    get: (path) => ask(url, path),
    async [Symbol.asyncDispose]() {
      if (open) await app.close();
      open = false;
    },
  };
});

const mail = defineJob<'mail.send', [to: string], string>('mail.send');

test('handlers are methods of providers of any module; the client is injectable; options may come from other providers', async () => {
  await using embedded = await openEmbedded('memory:');
  const { opened, open } = gate<string>();

  class Mailer {
    readonly client: Client;
    readonly prefix = 'sent to';

    constructor(client: Client) {
      this.client = client;
    }

    async send(ctx: JobContext<[to: string]>): Promise<string> {
      open(`${this.prefix} ${ctx.args[0]}`);
      return this.prefix;
    }
  }
  Injectable()(Mailer);
  Inject(Client)(Mailer, undefined, 0);

  class Config {
    readonly transport = embedded;
  }
  class ConfigModule {}
  Module({ providers: [Config], exports: [Config] })(ConfigModule);
  class MailModule {}
  Module({ providers: [Mailer, ojsHandler(mail, Mailer, (mailer, ctx) => mailer.send(ctx))] })(MailModule);
  class AppModule {}
  const ojs = OjsModule.forRootAsync({
    imports: [ConfigModule],
    inject: [Config],
    useFactory: (config: Config) => ({
      target: config.transport,
      worker: new Worker(config.transport, { handleSignals: false, logger: keepingLogger() }),
    }),
  });
  Module({ imports: [ojs, MailModule] })(AppModule);

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  await app.init();
  const client = app.get(Client);
  const { id } = await client.enqueue(mail, ['ann']);
  expect(await opened).toBe('sent to ann');
  expect(app.get(Mailer, { strict: false }).client).toBe(client);
  await app.close();
  expect(app.get(NestOjs).worker?.state).toBe('idle');
  expect((await new Client(embedded).getJob(id)).result).toBe('sent to');
});

test('a handler without a worker is refused', async () => {
  class Mailer {}
  class AppModule {}
  Module({ imports: [OjsModule.forRoot()], providers: [Mailer, ojsHandler(mail, Mailer, () => '')] })(AppModule);
  await expect(NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false })).rejects.toThrow(
    'OjsModule.forRoot() was given no worker for the handler of mail.send.',
  );
});
