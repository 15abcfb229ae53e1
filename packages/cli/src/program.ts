import { readFileSync } from 'node:fs';
import { Command, Help } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { bulkOperationsCommand } from './commands/bulk/bulk.ts';
import { serverHeading } from './commands/command.ts';
import { completionCommands } from './commands/completion.ts';
import { contextCommand } from './commands/context.ts';
import { cronCommand } from './commands/crons/crons.ts';
import { deadLetterCommand } from './commands/dead-letter.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { enqueueCommand } from './commands/enqueue.ts';
import { errorsCommand } from './commands/errors.ts';
import { eventsCommand } from './commands/events.ts';
import { exampleOf } from './commands/examples.ts';
import { explainCommand } from './commands/explain.ts';
import { initCommand } from './commands/init/init.ts';
import { jobsCommand } from './commands/jobs/jobs.ts';
import { limitsCommand } from './commands/limits/limits.ts';
import { maintenanceCommand } from './commands/maintenance.ts';
import { queuesCommand } from './commands/queues/queues.ts';
import { schemasCommand } from './commands/schemas.ts';
import { serveCommand } from './commands/serve.ts';
import { statsCommand } from './commands/stats.ts';
import { storageCommands } from './commands/storage.ts';
import { tokensCommand } from './commands/tokens.ts';
import { workersCommand } from './commands/workers.ts';
import { workflowsCommand } from './commands/workflows/workflows.ts';
import { manifestFile } from './files.ts';

const manifest: unknown = JSON.parse(readFileSync(manifestFile, 'utf8'));

/** The version of this package, which is that of its server. */
const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';

export function program(): Command {
  const root = new Command('ojs')
    .description('Open Job Spec: server and tools')
    .version(version)
    .helpCommand(false)
    .configureHelp(help)
    .showHelpAfterError('(run with --help for usage)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  const add = (heading: string, ...commands: readonly Command[]) => {
    for (const command of commands) {
      inherit(command, root);
      root.addCommand(command.helpGroup(heading));
    }
  };
  add('Server:', serveCommand(), devCommand());
  add(
    'Work:',
    enqueueCommand(),
    jobsCommand(),
    explainCommand(),
    errorsCommand(),
    deadLetterCommand(),
    bulkOperationsCommand(),
    workflowsCommand(),
    cronCommand(),
    eventsCommand(),
  );
  add(
    'Operation:',
    statsCommand(),
    queuesCommand(),
    workersCommand(),
    limitsCommand(),
    schemasCommand(),
    maintenanceCommand(),
    tokensCommand(),
    auditCommand(),
    doctorCommand(),
  );
  add('Storage:', ...storageCommands());
  const [completion, complete] = completionCommands();
  add('Setup:', initCommand(), contextCommand(), completion);
  inherit(complete, root);
  root.addCommand(complete, { hidden: true });
  return root;
}

/** Longer lines are hard to read, even if the terminal has room for them. */
const widest = 100;

/** Options under a heading come after those without one, and those that say which server come last. */
const help: Partial<Help> = {
  prepareContext({ helpWidth = 80, ...context }) {
    Help.prototype.prepareContext.call(this, { ...context, helpWidth: Math.min(widest, helpWidth) });
  },
  visibleOptions(command) {
    const options = Help.prototype.visibleOptions.call(this, command);
    const placeOf = ({ helpGroupHeading }: (typeof options)[number]) =>
      helpGroupHeading === undefined ? 0 : helpGroupHeading === serverHeading ? 2 : 1;
    return options.toSorted((one, other) => placeOf(one) - placeOf(other));
  },
  formatHelp(command, helper) {
    const example = exampleOf(command);
    const text = Help.prototype.formatHelp.call(this, command, helper);
    return example === null ? text : `${text.trimEnd()}\n\nExample:\n  ${example}\n`;
  },
  // Headings have the order of what is shown.
  groupItems: (_, visible, groupOf) => Map.groupBy(visible, groupOf),
};

function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const one of command.commands) inherit(one, command);
}
