import { join } from 'node:path';
import { httpTransport } from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { mailer, prepare, scenesOf } from './golden/scenes.ts';
import { expectGolden, leaves, Mask } from './support/golden.ts';
import type { Ended } from './support/in-process.ts';
import { Ojs } from './support/ojs.ts';
import { freePort } from './support/processes.ts';

/** One call as a user sees it: the command, both streams, and the exit code unless it is 0. */
function shown(mask: Mask, line: string, { output, errors, code }: Ended): string {
  const end = code === 0 ? '' : `[exit code ${code}]\n`;
  return `$ ${mask.line(line)}\n${shortened(mask.over(`${output}${errors}`))}${end}`;
}

/** Without the rows of a list that differ from the two before them in nothing but numbers. */
function shortened(text: string): string {
  const lines = text.split('\n');
  const shape = (index: number) => lines[index]?.replaceAll(/\d+/g, '0');
  const isAlike = (_: string, index: number) =>
    /\d/.test(lines[index] ?? '') && shape(index) === shape(index - 1) && shape(index) === shape(index - 2);
  return lines
    .map((line, index) => (isAlike(line, index) ? '…' : line))
    .filter((line, index, all) => line !== '…' || all[index - 1] !== '…')
    .join('\n');
}

/** What a terminal shows beyond the text. */
const plain = (text: string) => text.replaceAll(/␛\[\d+m/g, '');

const typed = (words: readonly string[]) =>
  words.map((word) => (/^[\w.:/=@-]+$/.test(word) ? word : `'${word}'`)).join(' ');

/** A worker that lives while the test runs. */
function beating(url: string, job: string): AsyncDisposable {
  const wire = httpTransport(url);
  const body = JSON.stringify({ ...mailer, active_jobs: [job] });
  const timer = setInterval(() => void wire.call({ operation: 'worker.heartbeat', body }), 5_000);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await wire[Symbol.asyncDispose]();
    },
  };
}

test('the output of every command on a terminal, which is the piped one with bold words', async () => {
  using home = new Ojs();
  const storage = `sqlite:${join(home.home, 'jobs.db')}`;
  await using server = await startServer({ storage, port: 0, log: false });
  const names = await prepare(server.url, home.home, storage);
  await using _worker = beating(server.url, names.wanted);
  const env: Record<string, string> = { OJS_BACKEND_URL: server.url };
  using ojs = new Ojs(env);
  const mask = new Mask();
  const files = new Map(leaves().map(({ name, file }) => [name, file]));
  const texts = new Map<string, string[]>();
  let token = 'TOKEN';
  for (const [name, { calls, both }] of scenesOf(names)) {
    const file = files.get(name) ?? '';
    const found = texts.get(file) ?? [];
    texts.set(file, found);
    for (const call of calls) {
      const words = [...name.split(' '), ...call.map((word) => (word === 'TOKEN' ? token : word))];
      const ended = await ojs.run(...words);
      const [secret, id = token] = /ojs_([0-9a-f]+)_\S+/.exec(ended.output) ?? [];
      token = id;
      // From the first token on the server asks for one.
      if (secret !== undefined) env.OJS_AUTH_TOKEN ??= secret;
      const line = typed(['ojs', ...name.split(' '), ...call]);
      const piped = shown(mask, line, ended);
      const terminal = both ? shown(mask, line, await ojs.onTerminal('', ...words)) : piped;
      if (plain(terminal) === piped) found.push(terminal);
      else found.push(piped, terminal.replace('\n', '   # on a terminal\n'));
    }
  }
  for (const [file, found] of texts) expectGolden(`output/${file}`, found.join(''));
});

test('errors say what to do', async () => {
  await using server = await startServer({
    storage: 'memory:',
    port: 0,
    log: false,
    tokens: ['viewer:hush-hush-hush'],
  });
  using stranger = new Ojs({ OJS_BACKEND_URL: server.url });
  using viewer = new Ojs({ OJS_BACKEND_URL: server.url, OJS_AUTH_TOKEN: 'hush-hush-hush' });
  using nobody = new Ojs({ OJS_BACKEND_URL: `http://127.0.0.1:${await freePort()}` });
  const calls: readonly (readonly [Ojs, readonly string[]])[] = [
    [viewer, ['job', 'list']],
    [viewer, ['jobs', 'lst']],
    [viewer, ['jobs', 'show']],
    [viewer, ['jobs', 'show', 'x']],
    [viewer, ['jobs', 'list', '--quee', 'mail']],
    [viewer, ['jobs', 'list', '--state', 'discared']],
    [viewer, ['jobs', 'list', '--limit', 'all']],
    [viewer, ['queues', 'purge', 'mail']],
    [viewer, ['queues', 'pause', 'mail']],
    [viewer, ['jobs', 'list', '--context', 'prod']],
    [viewer, ['jobs', 'list', '--storage', `sqlite:${join(viewer.home, 'none.db')}`]],
    [viewer, ['jobs', 'list', '--url', 'localhost:8080']],
    [stranger, ['jobs', 'list']],
    [nobody, ['jobs', 'list']],
  ];
  // The help is compared in golden.test.ts.
  for (const words of [[], ['jobs']])
    expect(await viewer.run(...words)).toMatchObject({ code: 2, errors: expect.stringContaining('Usage: ojs') });
  const found: string[] = [];
  const mask = new Mask();
  for (const [ojs, words] of calls) found.push(shown(mask, typed(['ojs', ...words]), await ojs.run(...words)));
  expectGolden('output/errors', found.join(''));
});
