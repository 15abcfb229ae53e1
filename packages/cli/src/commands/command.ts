import { Command } from 'commander';
import { exitCodes, Failure } from '../connection/failure.ts';
import { Server, type ServerFlags, takesServer } from '../connection/server.ts';
import { plainLines } from '../output/plain.ts';

/** A command that asks a server. An error is one message on standard error, and an exit code of the table. */
export function serverCommand<Flags extends ServerFlags>(
  name: string,
  description: string,
  work: (server: Server, flags: Flags, ...args: readonly string[]) => Promise<void>,
): Command {
  return takesServer(new Command(name))
    .description(description)
    .action(async function () {
      process.stdout.on('error', endAsRead);
      const flags = this.opts<Flags>();
      await reporting(fullName(this), async () => {
        await using server = await Server.open(flags);
        await work(server, flags, ...this.args);
      });
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
    console.error(`${name}: ${plainLines(error instanceof Error ? error.message : String(error))}`);
    process.exitCode = exitCodes[error instanceof Failure ? error.kind : 'failed'];
  }
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
