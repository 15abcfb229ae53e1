// npm run bench: ours by itself. npm run bench -- peers puts others beside it.

import { command } from './arguments.ts';
import { describeMachine, machine } from './machine.ts';
import { readOptions, usage } from './options.ts';
import { alternate } from './rounds.ts';
import { jobsOf, runOurs } from './run.ts';
import { memoryWarning } from './store.ts';
import { cpuTable, latencyTable, rateTable, type Series } from './table.ts';
import { labelOf } from './task.ts';
import { ourRetention } from './terms.ts';

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const facts = machine();
  const say = (text: string) => {
    if (!options.json) console.log(text);
  };
  say(describeMachine(facts));
  const warning = memoryWarning(options.storage);
  if (warning !== null) say(warning);

  const all: Series[] = [];
  for (const scenario of options.scenarios) {
    for (const mode of options.modes) {
      const folders = options.against === undefined ? [undefined] : [undefined, options.against];
      const contestants = folders.map((folder) => ({
        who: folder === undefined ? mode : `${mode} against`,
        run: () => runOurs(scenario, mode, { ...options, folder }),
      }));
      for (const { who, answers } of await alternate(contestants, options.runs))
        all.push({ scenario: labelOf(scenario), who, figures: answers });
    }
  }

  const durability = all[0]?.figures[0]?.durability ?? '';
  if (options.json) {
    const { storage, jobs, runs } = options;
    console.log(
      JSON.stringify(
        { machine: facts, storage, jobs, runs, durability, retention: ourRetention(), series: all },
        null,
        2,
      ),
    );
    return;
  }
  say(`storage ${options.storage}: ${durability}\nretention: ${ourRetention()}`);
  say(
    `${options.jobs.toLocaleString('en-US')} jobs a run (pickup ${jobsOf({ name: 'pickup' }, options.jobs)}), each of about 300 bytes; medians of ${options.runs}\n`,
  );
  say([rateTable(all), cpuTable(all), latencyTable(all)].filter((text) => text !== '').join('\n\n'));
}

await command('bench', usage, main);
