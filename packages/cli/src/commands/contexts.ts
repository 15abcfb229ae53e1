import { text as readText } from 'node:stream/consumers';
import { Command } from 'commander';
import { type Context, contextNamed, readContexts, writeContexts } from '../connection/contexts.ts';
import { Failure } from '../connection/failure.ts';
import { table } from '../output/table.ts';
import { fullName, group, reporting } from './command.ts';

/** `ojs context`: names for servers, with their tokens. */
export function contextCommand(): Command {
  return group('context', 'keep URLs and tokens of servers under names', [
    own('list', 'list contexts', async () => list()),
    own('set', 'set a context; the first one becomes the current one', set)
      .argument('<name>', 'name of the context')
      .requiredOption('--url <url>', 'URL of the server')
      .option('--token', 'ask for a token')
      .option('--token-stdin', 'read a token from standard input'),
    own('use', 'make a context the current one', async (name) => use(name)).argument('<name>', 'name of the context'),
    own('remove', 'remove a context', async (name) => remove(name)).argument('<name>', 'name of the context'),
  ]);
}

interface SetFlags {
  readonly url: string;
  readonly token?: true;
  readonly tokenStdin?: true;
}

function own(name: string, description: string, work: (name: string, flags: SetFlags) => Promise<void>): Command {
  return new Command(name).description(description).action(async function () {
    await reporting(fullName(this), () => work(this.args[0] ?? '', this.opts<SetFlags>()));
  });
}

function list(): void {
  const { current, named } = readContexts();
  const rows = Object.entries(named).map(([name, context]) => ({ name, ...context }));
  const columns = [
    { title: '', cell: ({ name }: { readonly name: string }) => (name === current ? '*' : '') },
    { title: 'NAME', cell: ({ name }: { readonly name: string }) => name },
    { title: 'URL', cell: ({ url }: Context) => url },
    { title: 'TOKEN', cell: ({ token }: Context) => (token === undefined ? '' : 'set') },
  ];
  console.log(rows.length === 0 ? 'No contexts.' : table(columns, rows));
}

async function set(name: string, { url, token, tokenStdin }: SetFlags): Promise<void> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Failure('usage', `Expected an http or https URL, got ${JSON.stringify(url)}.`);
  const secret = tokenStdin ? (await readText(process.stdin)).trim() : token ? await asked() : undefined;
  const { current, named } = readContexts();
  const context = { url, ...(secret !== undefined && secret !== '' && { token: secret }) };
  writeContexts({ current: current ?? name, named: { ...named, [name]: context } });
  console.log(`Context ${name} is set${current === null ? ' and current' : ''}.`);
}

async function asked(): Promise<string> {
  if (!process.stdin.isTTY) throw new Failure('usage', 'Nobody can be asked here: use --token-stdin.');
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: 'Token' });
  if (isCancel(answer)) throw new Failure('failed', 'Nothing was changed.');
  return answer;
}

function use(name: string): void {
  const contexts = readContexts();
  const { url } = contextNamed(name, contexts);
  writeContexts({ ...contexts, current: name });
  console.log(`Commands ask ${name}, ${url}, from now on.`);
}

function remove(name: string): void {
  const contexts = readContexts();
  contextNamed(name, contexts);
  const { [name]: _, ...named } = contexts.named;
  writeContexts({ current: contexts.current === name ? null : contexts.current, named });
  console.log(`Context ${name} is removed.`);
}
