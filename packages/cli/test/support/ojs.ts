import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Client } from '@ojs-ts/sdk';
import { type RunningServer, type ServerOptions, startServer } from '@ojs-ts/server';
import { type Ended, inProcess } from './in-process.ts';

const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** The command, with a home of its own and nothing of this process's settings. */
export class Ojs implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'ojs-cli-'));
  readonly #env: Readonly<Record<string, string>>;

  get #own() {
    return { HOME: this.home, TERM: 'xterm' };
  }

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
  }

  /** In this process, one command at a time. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.piped('', ...args);
  }

  /** @param input what is typed on standard input, which is no terminal. */
  piped(input: string, ...args: readonly string[]): Promise<Ended> {
    return inProcess(args, { ...this.#own, ...this.#env }, input);
  }

  /** In a process of its own, as users have it. */
  apart(...args: readonly string[]): Promise<Ended> {
    return this.#ended(process.execPath, [main, ...args], '');
  }

  /** On a pseudo-terminal, whose output has both streams. @param keys what the user types once there is a question. */
  async onTerminal(keys: string, ...args: readonly string[]): Promise<Ended> {
    const command = [process.execPath, main, ...args].map((one) => `'${one}'`).join(' ');
    const child = this.#start('script', ['-qec', `stty cols 100 rows 30; ${command}`, '/dev/null']);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const asked = output.includes('?');
      output += chunk;
      if (!asked && output.includes('?')) child.stdin.write(keys);
    });
    const [code] = await once(child, 'close');
    return { code, output, errors: '' };
  }

  /** In bash, where `ojs` is the command. */
  inBash(script: string): Promise<Ended> {
    return this.#ended('bash', ['-c', `ojs() { '${process.execPath}' '${main}' "$@"; }\n${script}`], '');
  }

  /** Runs until a line of the output matches, which is answered. */
  async untilLine(pattern: RegExp, ...args: readonly string[]): Promise<string> {
    const child = this.#start(process.execPath, [main, ...args]);
    try {
      for await (const line of createInterface({ input: child.stdout })) if (pattern.test(line)) return line;
    } finally {
      child.kill();
    }
    throw new Error(`No line matched ${pattern}.`);
  }

  /** Presses Ctrl+C when `moment` resolves. */
  interrupted(moment: Promise<unknown>, ...args: readonly string[]): Promise<Ended> {
    return this.#ended(process.execPath, [main, ...args], '', moment);
  }

  async #ended(program: string, args: readonly string[], input: string, end?: Promise<unknown>): Promise<Ended> {
    const child = this.#start(program, args);
    const exit = once(child, 'close');
    child.stdin.end(input);
    void end?.then(() => child.kill('SIGINT'));
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await exit;
    return { code, output, errors };
  }

  #start(program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, ...this.#own, ...this.#env };
    return spawn(program, args, { env });
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true });
  }
}

/** A server on a store of its own, a client of it, and the command that asks it. */
export interface Asked extends AsyncDisposable {
  readonly server: RunningServer;
  readonly client: Client;
  readonly ojs: Ojs;
}

export async function asked(options: ServerOptions = {}): Promise<Asked> {
  const server = await startServer({ storage: 'memory:', port: 0, log: false, ...options });
  const client = new Client(server.url);
  const ojs = new Ojs({ OJS_BACKEND_URL: server.url });
  return {
    server,
    client,
    ojs,
    async [Symbol.asyncDispose]() {
      ojs[Symbol.dispose]();
      await client[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** Ids, times, ages and URLs differ from run to run, and with them the width of columns. */
export function steady(output: string): string {
  return output
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, 'ID'.padEnd(36, '.'))
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b\d+[smhd]\b/g, '0s')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'URL')
    .replaceAll(/ {2,}/g, '  ');
}
