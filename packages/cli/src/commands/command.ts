import { Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, Failure } from '../connection/failure.ts';
import { Server, type ServerFlags } from '../connection/server.ts';
import type { ConfirmFlags } from '../output/confirm.ts';
import type { FormatFlags } from '../output/format.ts';
import { plainLines } from '../output/plain.ts';
import { every, type WatchFlags, watching } from '../output/watch.ts';
import { type Flags, flag, type Values } from './flags.ts';

/** Arguments by their names, with the line of the help: `id`, or as the usage shows them, `[id...]`. */
export type Args = Readonly<Record<string, string>>;

export type CommonFlags = ServerFlags & FormatFlags & ConfirmFlags & WatchFlags;

/** Options that many commands have. */
const common = {
  yes: () => new Option('--yes', 'do not ask for confirmation'),
  json: () => new Option('--json', 'print one JSON document, with numbers as the server sends them'),
  ndjson: () => new Option('--ndjson', 'print each item as one line of JSON').conflicts('json'),
  watch: () => new Option('--watch [duration]', 'repeat every 2s, or as given, until Ctrl+C').argParser(every),
};

/** The heading of the options that say which server a command asks. */
export const serverHeading = 'Which server:';

function serverFlags(): Flags {
  const own = (flags: string, about: string) => flag(flags, about, String).helpGroup(serverHeading);
  const url =
    'URL of the server (OJS_BACKEND_URL; default: ' +
    'the current context, the ojs dev of this folder, else http://localhost:8080)';
  return {
    url: own('--url <url>', url),
    storage: own(
      '--storage <url>',
      'open this storage instead, without a server: sqlite:PATH, postgres://…, redis://…',
    ),
    context: own('--context <name>', 'ask the server or storage of this context (ojs context)'),
  };
}

export interface Takes<F extends Flags> {
  readonly args?: Args;
  readonly flags?: F;
  /** Options whose values the work does not read by their names. */
  readonly more?: Flags;
  readonly also?: readonly (keyof typeof common)[];
}

/** A command. An error is one message on standard error, and an exit code of the table. */
export function command<F extends Flags>(
  name: string,
  about: string,
  { args = {}, flags, more, also = [] }: Takes<F>,
  work: (this: Command, values: Values<F> & CommonFlags, ...args: readonly string[]) => Promise<void>,
): Command {
  const made = new Command(name).description(about).action(async function () {
    await reporting(fullName(this), () => work.call(this, this.opts<Values<F> & CommonFlags>(), ...this.args));
  });
  for (const [arg, line] of Object.entries(args)) made.argument(/^\w+$/.test(arg) ? `<${arg}>` : arg, line);
  for (const [member, option] of Object.entries({ ...more, ...flags })) {
    option.attributeName = () => member;
    made.addOption(option);
  }
  for (const one of also) made.addOption(common[one]());
  return made;
}

/** A command that asks a server. */
export function serverCommand<F extends Flags>(
  name: string,
  about: string,
  takes: Takes<F>,
  work: (server: Server, values: Values<F> & CommonFlags, ...args: readonly string[]) => Promise<void>,
): Command {
  return command(name, about, { ...takes, more: { ...serverFlags(), ...takes.more } }, async (values, ...args) => {
    process.stdout.on('error', endAsRead);
    await using server = await Server.open(values);
    await watching(values, () => work(server, values, ...args));
  });
}

/**
 * The reader of the output may stop early, as head does. The console ignores such errors, and a list or a watch would
 * run for ever. Not for a backup: one that was cut off must not end with 0.
 */
function endAsRead(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit(0);
}

/** Runs a command and reports how it failed. */
export async function reporting(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = plainLines(error instanceof Error ? error.message : String(error));
    const advice = error instanceof Failure ? error.advice : [];
    console.error([`${name}: ${message}`, ...advice].join('\n  '));
    const isUsage = error instanceof InvalidArgumentError;
    process.exitCode = exitCodes[error instanceof Failure ? error.kind : isUsage ? 'usage' : 'failed'];
  }
}

/** Until it is disposed, Ctrl+C says something and ends the process. */
export function interruptible(say: () => void): Disposable {
  const interrupted = () => {
    say();
    process.exit(exitCodes.interrupted);
  };
  process.once('SIGINT', interrupted);
  return { [Symbol.dispose]: () => void process.off('SIGINT', interrupted) };
}

/** As the user typed it: `ojs jobs list`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** A command that only holds others. */
export function group(name: string, description: string, commands: readonly Command[]): Command {
  const grouped = new Command(name).description(description).helpCommand(false);
  for (const command of commands) grouped.addCommand(command);
  return grouped;
}
