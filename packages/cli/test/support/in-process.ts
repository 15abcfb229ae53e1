import { Console } from 'node:console';
import { Readable, Writable } from 'node:stream';
import { start } from '../../src/start.ts';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** What a shell may have set, and the command reads. */
const settings = /^(OJS_|XDG_|CI$|NO_COLOR$|FORCE_COLOR$)/;

class Exit {}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the command in this process, of which the streams, the settings and the exit are the command's meanwhile: one
 * command at a time. A process of its own takes 400 ms of processor time to start.
 */
export function inProcess(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string,
): Promise<Ended> {
  const ended = last.then(() => run(words, env, input));
  last = ended.catch(() => {});
  return ended;
}

async function run(words: readonly string[], env: Readonly<Record<string, string>>, input: string): Promise<Ended> {
  using given = new DisposableStack();
  const [stdout, stderr] = [new Kept(), new Kept()];
  const ended = Promise.withResolvers<number>();
  const replace = (owner: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(owner, name) ?? {};
    Object.defineProperty(owner, name, { value, configurable: true });
    given.defer(() => {
      Object.defineProperty(owner, name, before);
    });
  };
  replace(process, 'stdout', stdout);
  replace(process, 'stderr', stderr);
  replace(process, 'stdin', Readable.from([input]));
  replace(globalThis, 'console', new Console({ stdout, stderr }));
  replace(process, 'exit', (code = process.exitCode) => {
    ended.resolve(Number(code ?? 0));
    throw new Exit();
  });
  const { exitCode } = process;
  const before = { ...process.env };
  given.defer(() => {
    process.exitCode = exitCode;
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before);
  });
  process.exitCode = undefined;
  for (const name of Object.keys(process.env)) if (settings.test(name)) delete process.env[name];
  Object.assign(process.env, env);
  start(words).then(
    () => ended.resolve(Number(process.exitCode ?? 0)),
    (error) => {
      if (!(error instanceof Exit)) ended.reject(error);
    },
  );
  const code = await ended.promise;
  return { code, output: stdout.text, errors: stderr.text };
}

/** What a command writes, as text. */
class Kept extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, written: () => void): void {
    this.#chunks.push(chunk);
    written();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
