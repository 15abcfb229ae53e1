import { resolve } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type Context, contextNamed, readContexts, writeContexts } from '../connection/context-file.ts';
import { Failure } from '../connection/failure.ts';
import { text } from '../output/cells.ts';
import { table, view } from '../output/table.ts';
import { command, group } from './command.ts';
import { flag, on, type Values } from './flags.ts';

const args = { name: 'name of the context' };
const noServer = ['url', 'token', 'token_stdin'];
const about = 'a storage in place of a server: sqlite:PATH, postgres://…, redis://…';
const flags = {
  url: flag('--url <url>', 'URL of the server', String),
  storage: flag('--storage <url>', about, String).conflicts(noServer),
  token: on('--token', 'ask for a token').conflicts('token_stdin'),
  token_stdin: on('--token-stdin', 'read a token from standard input; without either a known URL keeps its token'),
};
type SetFlags = Values<typeof flags>;

/** `ojs context`: names for servers, with their tokens, and for storages. */
export function contextCommand(): Command {
  return group('context', 'keep URLs and tokens of servers, or storages, under names', [
    command('list', 'list contexts', {}, async () => list()),
    command('set', 'set a context; the first one becomes the current one', { args, flags }, set).alias('add'),
    command('use', 'make a context the current one', { args }, async (_, name = '') => use(name)),
    command('remove', 'remove a context', { args }, async (_, name = '') => remove(name)),
  ]);
}

function list(): void {
  const { current, named } = readContexts();
  const rows = Object.entries(named).map(([name, { url, storage, token }]) => ({
    current: name === current ? '*' : '',
    name,
    url: withoutPassword(url ?? storage ?? ''),
    token: token === undefined ? '' : 'set',
  }));
  console.log(
    rows.length === 0
      ? 'No contexts.'
      : table([{ title: '', cell: (row) => text(row, 'current') }, ...view`NAME | URL | TOKEN`], rows),
  );
}

/** A list of contexts is often shown to others. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^/@:]*):[^/@]*@/i, '$1:…@');
}

async function set(flags: SetFlags, name = ''): Promise<void> {
  const { current, named } = readContexts();
  const context =
    flags.storage === undefined ? await serverOf(flags, named[name]) : { storage: await storageOf(flags.storage) };
  writeContexts({ current: current ?? name, named: { ...named, [name]: context } });
  console.log(`Context ${name} is set${current === null ? ' and current' : ''}.`);
}

async function serverOf({ url, token, token_stdin: isPiped }: SetFlags, before: Context | undefined): Promise<Context> {
  if (url === undefined)
    throw new Failure('usage', 'Expected --url or --storage, such as --url http://127.0.0.1:8080.');
  await checkUrl(url);
  const given = isPiped ? await piped() : token ? await asked() : undefined;
  const secret = given ?? (before?.url === url ? before.token : undefined);
  return { url, ...(secret && { token: secret }) };
}

/** A relative path would mean another file in another directory. */
async function storageOf(url: string): Promise<string> {
  const { storageUrl } = await import('@ojs-ts/server');
  const checked = storageUrl(url);
  if (checked.startsWith('memory:'))
    throw new Failure('usage', 'A storage in memory is gone when the command ends: name another one.');
  return checked.startsWith('sqlite:') ? `sqlite:${resolve(checked.slice('sqlite:'.length))}` : checked;
}

/** As every command reads it, so that a context always works. */
async function checkUrl(url: string): Promise<void> {
  const { httpTransport } = await import('@ojs-ts/sdk');
  try {
    await using _transport = httpTransport(url);
  } catch (error) {
    throw new Failure('usage', error instanceof Error ? error.message : String(error));
  }
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') throw new Failure('usage', 'Expected a URL without a user and a password.');
}

async function piped(): Promise<string> {
  const secret = (await readText(process.stdin)).trim();
  if (secret === '') throw new Failure('usage', 'Expected a token on standard input, got nothing.');
  return secret;
}

async function asked(): Promise<string> {
  if (!process.stdin.isTTY) throw new Failure('usage', 'Nobody can be asked here: use --token-stdin.');
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: 'Token' });
  if (isCancel(answer)) throw new Failure('interrupted', 'Nothing was changed.');
  return answer;
}

function use(name: string): void {
  const contexts = readContexts();
  const { url, storage } = contextNamed(name, contexts);
  writeContexts({ ...contexts, current: name });
  console.log(`Commands ask ${name}, ${withoutPassword(url ?? storage)}, from now on.`);
}

function remove(name: string): void {
  const contexts = readContexts();
  contextNamed(name, contexts);
  const { [name]: _, ...named } = contexts.named;
  writeContexts({ current: contexts.current === name ? null : contexts.current, named });
  console.log(`Context ${name} is removed.`);
}
