// npm run bench -- dashboards: the tasks of an operator in our dashboard and in those of peers, driven in Chromium.
import { chromiumPath, launch } from '../../../../packages/dashboard/test/dashboard.ts';
import { command, namesOf, parse, whole } from '../arguments.ts';
import { commandLine, figuresFile, Ledger } from '../ledger.ts';
import { describeMachine, machine } from '../machine.ts';
import { writePages } from '../page/write.ts';
import { install } from '../peers/install.ts';
import { contest } from './contest.ts';
import { type Contest, names } from './outcome.ts';
import { trialTable } from './report.ts';

const usage = `--dashboard NAMES    of ${names.join(', ')}, by commas; default all
--jobs N             in each store, default 1000000
--patience S         seconds that somebody waits for a step, default 65: pg-boss itself waits 60 for a query
--json               one JSON document instead; also: nothing is kept, and lab/docs/dashboards.md not written`;

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    dashboard: { type: 'string', default: names.join(',') },
    jobs: { type: 'string', default: '1000000' },
    patience: { type: 'string', default: '65' },
    json: { type: 'boolean', default: false },
  });
  const among = namesOf('dashboard', values.dashboard, names);
  const jobs = whole('jobs', values.jobs, 1_000);
  const patienceMs = whole('patience', values.patience) * 1_000;
  install('peers/dashboards');
  if (!values.json) console.log(describeMachine(machine()));
  const ledger = new Ledger<Contest>(figuresFile('dashboards'), commandLine('dashboards', args));
  const all: Contest[] = [];
  if (chromiumPath === null) throw new Error('There is no Chromium; the message above says how to get one.');
  const browser = await launch();
  try {
    for (const name of among) {
      const figure = await contest(browser, name, { jobs, patienceMs });
      all.push(figure);
      if (values.json) continue;
      console.log(`\n${name}\n\n${trialTable(figure)}`);
      ledger.put(name, figure);
    }
  } finally {
    await browser.close();
  }
  if (values.json) console.log(JSON.stringify(all, null, 2));
  else writePages();
}

await command('bench dashboards', usage, main);
