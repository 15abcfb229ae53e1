import { version } from '@ojs-ts/server';
import { Command } from 'commander';
import { backupCommand, restoreCommand } from './backup.ts';
import { migrateCommand } from './migrate.ts';
import { storageCommand } from './report.ts';
import { serveCommand } from './serve.ts';

/** Runs the command that the process was given. */
export async function run(): Promise<void> {
  const program = new Command('ojs')
    .description('Open Job Spec: server and tools')
    .version(version)
    .showHelpAfterError('(run ojs --help for usage)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const command of [serveCommand(), migrateCommand(), backupCommand(), restoreCommand(), storageCommand()]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  await program.parseAsync();
}
