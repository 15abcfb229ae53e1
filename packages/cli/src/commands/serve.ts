import { gather, listOptions, type Option, type OptionsOf, serverOptions } from '@ojs-ts/core/options';
import type { RunningServer } from '@ojs-ts/server';
import { Command, Option as Flag, InvalidArgumentError } from 'commander';
import { readableLog, say } from '../output/speakers.ts';
import { reporting } from './command.ts';
import { failStart } from './start-failure.ts';

/** `ojs serve`: flags over `OJS_*` environment over defaults, which the server reads itself. */
export function serveCommand(): Command {
  const command = new Command('serve').description(
    'run the server: the API, the dashboard and the upkeep of one storage',
  );
  const flags = new Map<Option<unknown>, string>();
  let heading = '';
  for (const option of listOptions(serverOptions)) {
    heading = headings[option.variable] ?? heading;
    const flag = flagOf(option).helpGroup(heading);
    command.addOption(flag);
    flags.set(option, flag.attributeName());
  }
  const given = (option: Option<unknown>) => {
    const name = flags.get(option) ?? '';
    return command.getOptionValueSource(name) === 'cli' ? command.getOptionValue(name) : undefined;
  };
  return command.action(() => serve(gather(serverOptions, given)));
}

/** Headings of the help. Each key is the first option below its heading. */
const headings: Readonly<Record<string, string>> = {
  OJS_STORAGE: 'Storage and address:',
  OJS_TOKEN: 'Access:',
  OJS_REQUEST_RATE: 'Connections and requests:',
  OJS_PAUSED_QUEUES: 'Queues and workers:',
  OJS_RETAIN_COMPLETED: 'Retention:',
  OJS_HISTORY_ENABLED: 'History of jobs:',
  OJS_EVENTS: 'Events and streams:',
  OJS_QUIRKS: 'Switches:',
  OJS_LOG_LEVEL: 'Log:',
  OJS_TEST_MODE: 'Tests:',
};

function flagOf(option: Option<unknown>): Flag {
  const { variable, flag, help, fallback, defaultText, choices } = option;
  const isOff = fallback === true;
  const about = `${variable}${isOff ? '=false' : ''}${defaultText === null ? '' : `; default ${defaultText}`}`;
  const made = new Flag(flag, `${help} (${about})`);
  if (choices !== undefined) return made.choices(choices);
  if (Array.isArray(fallback)) return made.argParser<readonly string[]>((text, before = []) => [...before, text]);
  return flag.includes('<') ? made.argParser(readerOf(option)) : made;
}

/** Reads the text of a flag as the option does. */
export function readerOf<Given>(option: Option<Given, unknown>): (text: string) => Given {
  return (text) => {
    const given = option.given(text);
    if (given !== null && option.value(given) !== null) return given;
    throw new InvalidArgumentError(`Expected ${option.expected}.`);
  };
}

async function serve(options: OptionsOf<typeof serverOptions>): Promise<void> {
  await reporting('ojs serve', async () => {
    const { startServer } = await import('@ojs-ts/server');
    const { stdout, stderr } = process;
    const logTo = readableLog(({ message }) => message === 'listening');
    const readable = stdout.isTTY && stderr.isTTY && { logTo };
    const server = await startServer({ ...options, ...readable }).catch(failStart);
    // A reader of the line may send a signal at once.
    stopOnSignal(server);
    if (stdout.isTTY) say('ojs', announcement(server));
    else console.log(`ojs is listening on ${server.url}`);
  });
}

function announcement({ url, dashboard, docs, storage }: RunningServer): string {
  return `dashboard  ${dashboard ?? 'off'}
API        ${url}${docs === null ? '' : `\ndocs       ${docs}`}
storage    ${storage}
Ctrl+C stops the server. It answers the requests in progress first.`;
}

/** The time that clients may keep using their open connections after SIGTERM. Milliseconds. */
const lingerMs = 2_000;

/** The first SIGTERM or SIGINT stops in good order, a second one at once. Ctrl+C waits for no idle client. */
function stopOnSignal(server: RunningServer): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping = true;
    server.close({ lingerMs: signal === 'SIGTERM' ? lingerMs : 0 }).catch((error: unknown) => {
      console.error(`ojs serve: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
