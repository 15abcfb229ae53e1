import { version } from '@ojs-ts/server';
import { Command } from 'commander';
import { serveCommand } from './serve.ts';

const program = new Command('ojs')
  .description('Open Job Spec: server and tools')
  .version(version)
  .showHelpAfterError('(ojs --help shows what there is)')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program.addCommand(serveCommand().copyInheritedSettings(program));
await program.parseAsync();
