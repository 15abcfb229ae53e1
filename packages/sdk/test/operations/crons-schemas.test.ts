import { describe, expect, test } from 'vitest';
import { Client, JobNotFoundError, OJSValidationError } from '../../src/index.ts';
import { fakeMode } from '../../src/testing/index.ts';
import { Faulty, refusal } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';
import { openTargets } from '../support/targets.ts';

const { embedded, target } = await openTargets();

describe.each(['http', 'embedded'] as const)('over %s', (way) => {
  const open = () => new Client(target(way));

  test('a cron with warnings is registered, and the log has the warnings', async () => {
    const logger = keepingLogger();
    await using client = new Client(target(way), { logger });
    const never = await client.registerCronJob('never', '0 0 30 2 *', 'a.b', []);
    expect(never.nextRunAt).toBeNull();
    await fakeMode(() => client.registerCronJob('never', '0 0 30 2 *', 'a.b', []));
    await client.registerCronJob('seldom', '0 0 31 4,5 *', 'a.b', []);
    await client.registerCronJob('off', '0 0 1 1 *', 'a.b', [], { enabled: false });
    await client.registerCronJob('good', '@daily', 'a.b', []);
    const message = 'cron registered with warnings';
    const line = {
      level: 'warn',
      message,
      fields: { name: 'never', nextRunAt: null, warnings: ['never runs: FEB has no such day'] },
    };
    expect(logger.lines).toMatchObject([
      line,
      line,
      { level: 'warn', message, fields: { name: 'seldom', warnings: ['does not run in APR: there is no such day'] } },
    ]);
    for (const name of ['never', 'seldom', 'off', 'good']) await client.unregisterCronJob(name);
  });

  test('crons: register in both forms, change, list over pages, unregister', async () => {
    await using client = open();
    const daily = await client.registerCronJob('daily', '0 9 * * *', 'report.make', ['x'], {
      timezone: 'Europe/Berlin',
      queue: 'reports',
      priority: 3,
      meta: { Team_a: 1 },
      tags: ['t'],
      retry: { maxAttempts: 5 },
      overlapPolicy: 'allow',
    });
    const described = {
      name: 'daily',
      cron: '0 9 * * *',
      type: 'report.make',
      args: ['x'],
      timezone: 'Europe/Berlin',
      queue: 'reports',
      priority: 3,
      meta: { Team_a: 1 },
      tags: ['t'],
      retry: { maxAttempts: 5 },
      overlapPolicy: 'allow',
      enabled: true,
      runCount: 0,
      lastRunAt: null,
    };
    expect(daily).toMatchObject({ ...described, nextRunAt: expect.any(Date), createdAt: expect.any(Date) });
    await client.registerCronJob({ name: 'hourly', cron: '@hourly', type: 'tick.do' });
    expect(
      await client.registerCronJob({ name: 'hourly', cron: '@every 5m', type: 'tick.do', enabled: false }),
    ).toMatchObject({ cron: '@every 5m', enabled: false, nextRunAt: null });
    const page = await client.listCronJobs({ limit: 1 });
    expect(page).toMatchObject({ total: 2, hasMore: true });
    const all = await Array.fromAsync(page);
    expect(all.map(({ name }) => name)).toEqual(['daily', 'hourly']);
    expect(all[0]).toMatchObject(described);
    expect(await client.unregisterCronJob('daily')).toEqual({ deleted: true, name: 'daily' });
    await expect(client.unregisterCronJob('daily')).rejects.toBeInstanceOf(JobNotFoundError);
  });

  test('invalid crons are refused, by the client or the server', async () => {
    await using client = open();
    await expect(client.registerCronJob('', '@daily', 'a.b')).rejects.toBeInstanceOf(OJSValidationError);
    await expect(client.registerCronJob('x', '', 'a.b')).rejects.toMatchObject({ issues: [{ path: 'cron' }] });
    await expect(client.registerCronJob('x', '@daily', 'Not A Type')).rejects.toMatchObject({
      issues: [{ path: 'type' }],
    });
    await expect(client.registerCronJob('x', '@daily', 'a.b', [1n])).rejects.toMatchObject({
      issues: [{ path: 'args[0]' }],
    });
    await expect(client.registerCronJob('x', '@daily', 'a.b', [], { priority: 999 })).rejects.toMatchObject({
      issues: [{ path: 'priority' }],
    });
    const options = {};
    Reflect.set(options, 'meta', Number.NaN);
    await expect(client.registerCronJob('x', '@daily', 'a.b', [], options)).rejects.toMatchObject({
      issues: [{ path: 'meta' }],
    });
    await expect(client.registerCronJob('x', '61 * * * *', 'a.b')).rejects.toMatchObject({
      statusCode: expect.toBeOneOf([400, 422]),
    });
  });

  test('schemas: register, the server checks args, list, get, delete', async () => {
    await using client = open();
    const uri = 'urn:ojs:schema:email.send:v1';
    const schema = { type: 'array', prefixItems: [{ type: 'string' }], minItems: 1 };
    expect(await client.registerSchema(uri, 'email.send', '1', schema)).toMatchObject({
      uri,
      type: 'email.send',
      version: '1',
      schema,
    });
    await expect(client.enqueue('email.send', [1])).rejects.toMatchObject({ code: 'schema_validation' });
    await client.enqueue('email.send', ['a']);
    await client.registerSchema('urn:ojs:schema:email.send:v2', 'email.send', '2', {});
    const all = await Array.fromAsync(await client.listSchemas({ limit: 1 }));
    expect(all.map((one) => one.version).toSorted()).toEqual(['1', '2']);
    expect(all[0]).toMatchObject({ type: 'email.send', createdAt: expect.any(Date) });
    expect(await client.getSchema(uri)).toMatchObject({ uri, schema });
    expect(await client.deleteSchema(uri)).toEqual({ deleted: true, uri });
    await expect(client.getSchema(uri)).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(client.registerSchema('', 'a.b', '1', {})).rejects.toBeInstanceOf(OJSValidationError);
    await client.deleteSchema('urn:ojs:schema:email.send:v2');
  });
});

test('a repeated removal after a lost answer succeeds, also without idempotency keys', async () => {
  const faulty = new Faulty(embedded);
  const client = new Client(faulty, { requestRetry: { minBackoff: 1, maxBackoff: 1 } });
  const gone = refusal(404, { error: { code: 'not_found', message: 'gone' } });
  for (const operation of ['cron.remove', 'schema.delete']) {
    faulty.spoil(operation, 'before');
    faulty.spoil(operation, gone);
  }
  expect(await client.unregisterCronJob('x')).toEqual({ deleted: true, name: 'x' });
  expect(await client.deleteSchema('urn:x:y')).toEqual({ deleted: true, uri: 'urn:x:y' });
  faulty.spoil('cron.register', 'after');
  expect(await client.registerCronJob('twice', '@daily', 'a.b')).toMatchObject({ name: 'twice' });
});
