// npm run bench: ours by itself. npm run bench:peers puts others beside it.

import { command } from './arguments.ts';
import { describeMachine, machine } from './machine.ts';
import { readOptions, usage } from './options.ts';
import { type Figure, jobsOf, runOurs } from './run.ts';
import { memoryWarning } from './store.ts';
import { latencyTable, rateTable, type Series } from './table.ts';
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
      const figures: Figure[] = [];
      for (let run = 0; run < options.runs; run++) figures.push(await runOurs(scenario, mode, options));
      all.push({ scenario: labelOf(scenario), who: mode, figures });
      if (process.stderr.isTTY) process.stderr.write('.');
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\n');

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
  say([rateTable(all), latencyTable(all)].filter((text) => text !== '').join('\n\n'));
}

await command('bench', usage, main);
