import { expect, test } from 'vitest';
import { cronsOf } from '../../../server/test/storage/crons-of.ts';
import { answering } from '../support/answering.ts';
import { asked, Ojs } from '../support/ojs.ts';

test('tokens: made, used, rotated and revoked', async () => {
  await using one = await asked();
  const { ojs, server } = one;
  const made = await ojs.run('tokens', 'create', 'root', '--role', 'admin', '--json');
  const root: { readonly secret: string } = JSON.parse(made.output);
  expect(root.secret).toMatch(/^ojs_/);
  // From now on the server asks for a token.
  expect(await ojs.run('tokens', 'list')).toMatchObject({ code: 4 });
  using asRoot = new Ojs({ OJS_BACKEND_URL: server.url, OJS_AUTH_TOKEN: root.secret });
  const made2 = await asRoot.run(...'tokens create shop --role enqueue --queue mail* --expires 90d'.split(' '));
  const [, secret = '', id = ''] = /^token +(ojs_([0-9a-f]+)_\S+)$/m.exec(made2.output) ?? [];
  expect(made2.output).toMatch(/^roles +enqueue\nqueues +mail\*$/m);
  const listed = await asRoot.run('tokens', 'list');
  expect(listed.output).toMatch(/root +admin +\*/);
  expect(listed.output).not.toContain(secret);
  using asShop = new Ojs({ OJS_BACKEND_URL: server.url, OJS_AUTH_TOKEN: secret });
  expect(await asShop.run('enqueue', 'a.b', '--queue', 'mailing')).toMatchObject({ code: 0 });
  expect(await asShop.run('enqueue', 'a.b', '--queue', 'other')).toMatchObject({ code: 4 });
  expect((await asRoot.run('tokens', 'rotate', id, '--grace', '1h')).output).toContain('old secret until');
  expect(await asShop.run('enqueue', 'a.b', '--queue', 'mailing')).toMatchObject({ code: 0 });
  expect(await asRoot.run('tokens', 'revoke', id, '--yes')).toMatchObject({
    code: 0,
    output: `Token ${id} is revoked.\n`,
  });
  expect(await asShop.run('enqueue', 'a.b', '--queue', 'mailing')).toMatchObject({ code: 4 });
  expect(await asRoot.run('tokens', 'create', 'x', '--role', 'viewr')).toMatchObject({
    code: 1,
    errors: expect.stringContaining('Did you mean viewer?'),
  });
});

test('doctor: an answer without findings is no clean bill', async () => {
  await using server = await answering((index) => (index === 0 ? { status: 'ok' } : { findings: 'none' }));
  using ojs = new Ojs({ OJS_BACKEND_URL: server.url });
  for (const flags of [[], ['--json']])
    expect(await ojs.run('doctor', ...flags)).toEqual({
      code: 1,
      output: '',
      errors:
        'ojs doctor: The answer has no list of findings, so this is not an ojs-ts server, or an older one. Check --url, or update the server.\n',
    });
});

test('doctor: says what is wrong, and what mends it', async () => {
  await using one = await asked();
  const { ojs, client, server } = one;
  expect(await ojs.run('doctor')).toMatchObject({ code: 0, output: 'Nothing is wrong.\n' });
  await client.enqueue('a.b', [], { queue: 'mali' });
  expect((await ojs.run('doctor')).output).toMatchInlineSnapshot(`
    "WARNING unread_queue: 1 job waits in the queue mali, which no running worker reads.
      Start a worker with queues: ['mali'], or correct the queue name in the client or the worker.
      https://github.com/ojs-ts/ojs-ts/blob/main/docs/operate/health.md#unread-queue
    "
  `);
  const { findings } = JSON.parse((await ojs.run('doctor', '--json')).output);
  expect(findings).toMatchObject([{ code: 'unread_queue', severity: 'warning' }]);
  await cronsOf(server.engine.storage).put(
    { name: 'over', spec: '{"enqueue":"{}"}', enabled: true, dueAt: null },
    Date.now(),
  );
  expect(await ojs.run('doctor')).toMatchObject({ code: 0, output: expect.stringContaining('ended_cron') });
});
