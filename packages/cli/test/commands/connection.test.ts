import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStorage } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { asked, Ojs, steady } from '../support/ojs.ts';
import { freePort } from '../support/processes.ts';

test('exit codes tell what went wrong, and messages what to do', async () => {
  await using one = await asked({ tokens: ['hush-hush-hush'] });
  using other = new Ojs({ OJS_BACKEND_URL: one.server.url, OJS_AUTH_TOKEN: 'hush-hush-hush' });
  const closed = `http://127.0.0.1:${await freePort()}`;
  using nobody = new Ojs({ OJS_BACKEND_URL: closed });
  const missing = await other.run('jobs', 'show', '01900000-0000-7000-8000-000000000000');
  expect(missing).toMatchObject({ code: 3, output: '' });
  const advice = 'Check the id. The server deletes a finished job when its retention ends.';
  expect(missing.errors.split('\n')).toEqual([
    'ojs jobs show: There is no job with the id 01900000-0000-7000-8000-000000000000.',
    `  ${advice}`,
    expect.stringMatching(/^ {2}http\S+\/reference\/errors\S*#not_found$/),
    '',
  ]);
  const denied = await one.ojs.run('jobs', 'list');
  expect(denied.code).toBe(4);
  expect(denied.errors).toMatch(/^ojs jobs list: No token was sent\.\n {2}Set OJS_AUTH_TOKEN, or keep .*\n {2}http/);
  const away = await nobody.run('stats');
  expect(away.code).toBe(5);
  expect(away.errors).toContain(`ojs stats: ${closed}: `);
  expect(away.errors).toContain('Start one with ojs serve, or name another with --url.');
  expect(await nobody.run('events', 'tail', '--url', 'ftp://x')).toMatchObject({ code: 2 });
  expect(await other.run('jobs', 'list', '--url', one.server.url, '--storage', 'sqlite:x')).toMatchObject({
    code: 2,
    errors: 'ojs jobs list: Expected one of --url, --storage and --context, got --url and --storage.\n',
  });
  expect((await other.run('jobs', 'list', '--state', 'discared')).errors).toContain('Did you mean discarded?');
  expect(await other.run('jobs', 'lst')).toMatchObject({ code: 2 });
});

test('a context keeps a URL and a token for the user alone', async () => {
  await using one = await asked({ tokens: ['hush-hush-hush'] });
  using ojs = new Ojs();
  const { url } = one.server;
  expect((await ojs.run('context', 'list')).output).toBe('No contexts.\n');
  const set = await ojs.piped('hush-hush-hush\n', 'context', 'set', 'prod', '--url', url, '--token-stdin');
  expect(set).toEqual({ code: 0, output: 'Context prod is set and current.\n', errors: '' });
  const file = join(ojs.home, '.config/ojs/contexts.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await ojs.run('jobs', 'list')).output).toBe('No jobs.\n');
  await ojs.run('context', 'set', 'dev', '--url', `http://127.0.0.1:${await freePort()}`);
  expect((await ojs.run('context', 'set', 'prod', '--url', url)).code).toBe(0);
  expect(await ojs.run('context', 'set', 'x', '--url', `${url}/ojs/v1`)).toMatchObject({ code: 2 });
  expect(await ojs.piped('', 'context', 'set', 'x', '--url', url, '--token-stdin')).toMatchObject({ code: 2 });
  expect((await ojs.run('context', 'use', 'dev')).code).toBe(0);
  expect((await ojs.run('jobs', 'list')).code).toBe(5);
  expect((await ojs.run('jobs', 'list', '--context', 'prod')).output).toBe('No jobs.\n');
  expect(steady((await ojs.run('context', 'list')).output)).toMatchInlineSnapshot(`
    "  NAME  URL  TOKEN
      prod  URL  set
    *  dev  URL
    "
  `);
  expect(await ojs.run('jobs', 'list', '--context', 'prdo')).toMatchObject({
    code: 2,
    errors: 'ojs jobs list: There is no context "prdo": known are prod, dev. Did you mean prod?\n',
  });
  await ojs.run('context', 'remove', 'prod');
  expect(readFileSync(file, 'utf8')).not.toContain('hush');
  writeFileSync(file, '{');
  expect((await ojs.run('jobs', 'list')).errors).toContain(`${file}: expected {"current"`);
});

test('a token goes to the server of its context only', async () => {
  await using one = await asked({ tokens: ['hush-hush-hush'] });
  using ojs = new Ojs();
  await ojs.piped('hush-hush-hush', 'context', 'set', 'prod', '--url', 'http://127.0.0.1:1', '--token-stdin');
  expect((await ojs.run('jobs', 'list', '--url', one.server.url)).code).toBe(4);
});

test('a storage without a server: seen, changed, never made', async () => {
  using ojs = new Ojs();
  const storage = `sqlite:${join(ojs.home, 'jobs.db')}`;
  const none = await ojs.run('jobs', 'list', '--storage', storage);
  expect(none.code).toBe(1);
  expect(none.errors).toMatch(/There is no database at .*jobs\.db\. Check the path/);
  {
    await using opened = await openStorage(storage);
    await opened.migrate();
  }
  expect(steady((await ojs.run('enqueue', 'a.b', '--storage', storage)).output)).toMatch(
    /^Job ID\.+ is available in default\.$/m,
  );
  expect((await ojs.run('jobs', 'list', '--storage', storage, '--json')).output.match(/"type":"a.b"/g)).toHaveLength(1);
});

test('help has groups, and completion knows commands and options', async () => {
  using ojs = new Ojs();
  expect((await ojs.run('--help')).output).toMatchInlineSnapshot(`
    "Usage: ojs [options] [command]

    Open Job Spec: server and tools

    Options:
      -V, --version                    output the version number
      -h, --help                       display help for command

    Server:
      serve [options]                  run the server: the API, the dashboard and
                                       the upkeep of one storage
      dev [options] [worker]           run a server, its dashboard and a worker that
                                       restarts when its files change

    Work:
      enqueue [options] <type> [args]  enqueue a job
      jobs                             show jobs and change them
      explain [options] <id>           say why a job does not run, and what helps
      errors                           count failed jobs by their error
      dead-letter                      failed jobs with onExhaustion dead_letter:
                                       list, run again, delete; others: ojs jobs
                                       list --state discarded
      bulk                             look at changes of many jobs; stop, resume
                                       and undo them
      workflows                        look at workflows, cancel and retry them
      cron                             look at cron jobs, run and pause them
      events                           follow events as they happen

    Operation:
      stats [options]                  count jobs, queues and workers
      queues                           show queues, pause and configure them
      workers                          show workers, and quiet or stop them
      limits                           show limits by key, and override them
      schemas                          look at schemas of arguments and register
                                       them
      maintenance                      start no jobs for a while
      tokens                           create, list, rotate and revoke stored tokens
      audit                            list who changed what, and when
      doctor [options]                 list problems of this server and its storage,
                                       each with the command that fixes it

    Storage:
      migrate [options]                upgrade the layout of a storage, as a server
                                       does when it starts
      backup [options] [file]          write a backup, which any kind of storage can
                                       restore; servers may keep running
      restore [options] <file>         restore a backup into an empty storage; start
                                       its servers afterwards
      storage                          inspect a storage; servers may keep running

    Setup:
      init [options] [folder]          write a new project: typed jobs, a worker, a
                                       test, files for containers
      context                          keep URLs and tokens of servers, or storages,
                                       under names
      completion <shell>               print a script that completes commands:
                                       source <(ojs completion bash)
    "
  `);
  expect((await ojs.run('complete', 'jobs')).output.split('\n')).toEqual(
    expect.arrayContaining(['list', 'show', 'retry', 'export']),
  );
  expect((await ojs.run('complete', 'jobs', 'retry')).output.split('\n')).toContain('--dry-run');
  for (const shell of ['bash', 'zsh', 'fish'])
    expect((await ojs.run('completion', shell)).output).toContain('ojs complete');
  const words = 'COMP_WORDS=(ojs jobs ret) COMP_CWORD=2; _ojs; echo "$COMPREPLY"';
  expect((await ojs.inBash(`source <(ojs completion bash); ${words}`)).output).toBe('retry\n');
});
