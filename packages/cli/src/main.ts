import { version } from '@ojs-ts/server';
import { Command } from 'commander';
import { serveCommand } from './serve.ts';

const program = new Command('ojs')
  .description('Open Job Spec: server and tools')
  .version(version)
  .showHelpAfterError('(ojs --help shows what there is)');
program.addCommand(serveCommand());
await program.parseAsync();
