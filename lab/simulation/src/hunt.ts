import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from './faults/faults.ts';
import type { Options } from './options.ts';
import { loadProduct } from './product.ts';
import { recordText } from './record-text.ts';
import { Report } from './report.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';
import { workload } from './workload/workload.ts';
import { trueNow } from './world/world.ts';

const kinds = Object.keys(faults);
/** A world before the first: every part of the product is used once, so that none is loaded within a seed. */
const warmUpMs = 8_000;

/** Runs the seeds or cases of the options; answers the exit status. */
export async function hunt(options: Options): Promise<number> {
  await loadProduct();
  await simulate(scenarioOf('warm up', options.storage, workload, kinds, warmUpMs));
  const report = new Report(options);
  const began = trueNow();
  for (const scenario of scenarios(options)) {
    if (trueNow() - began > options.limitMs) break;
    const { history, ...summary } = await once(scenario, options);
    report.add(summary);
    if (options.history !== null) writeFileSync(options.history, `${history.join('\n')}\n`);
    if (summary.problems.length === 0) continue;
    if (options.shrink !== null && report.failures === 1) await writeShrunk(scenario, summary, options);
    if (options.untilFailure) break;
  }
  report.end();
  return report.failures > 0 ? 1 : 0;
}

function* scenarios({ seed, seeds, storage, cases, without, chaosMs }: Options): Generator<Scenario> {
  for (const file of cases) {
    const { scenario }: { scenario: Scenario } = JSON.parse(readFileSync(file, 'utf8'));
    yield { ...scenario, storage: storage === 'memory:' ? scenario.storage : storage };
  }
  if (cases.length > 0) return;
  for (let number = seed; number < seed + seeds; number++) {
    const scenario = scenarioOf(String(number), storage, workload, kinds, chaosMs);
    yield { ...scenario, steps: scenario.steps.filter((step) => !without.has(step.number)) };
  }
}

/** The outcome of a scenario; with `--twice` also a problem where the second hash is another. */
async function once(scenario: Scenario, { trace, twice }: Options): Promise<Outcome> {
  const first = await traced(scenario, trace);
  if (!twice) return first;
  const second = await traced(scenario, trace === null ? null : `${trace}.again`);
  if (first.hash === second.hash) return first;
  const message = `the same seed has the hashes ${first.hash} and ${second.hash}`;
  return { ...first, problems: [...first.problems, { rule: 'determinism', message }] };
}

async function traced(scenario: Scenario, file: string | null): Promise<Outcome> {
  if (file === null) return simulate(scenario);
  const stream = createWriteStream(file);
  const outcome = await simulate(scenario, (line) => stream.write(line));
  stream.end();
  return outcome;
}

async function writeShrunk(
  scenario: Scenario,
  { problems }: Pick<Outcome, 'problems'>,
  options: Options,
): Promise<void> {
  const [first] = problems;
  if (first === undefined || options.shrink === null) return;
  const breaks = async (candidate: Scenario) =>
    (await simulate(candidate)).problems.find(({ rule }) => rule === first.rule);
  const { scenario: least, problem, tries } = await shrink(scenario, first, breaks, options.shrinkMs);
  const name = `${options.bug?.split('/').at(-1) ?? 'found'}-${scenario.storage.split(':')[0]}-${scenario.seed}.json`;
  const file = join(options.shrink, name);
  mkdirSync(options.shrink, { recursive: true });
  const text = {
    rule: problem.rule,
    message: problem.message,
    ...(options.bug !== null && { bug: options.bug }),
    scenario: least,
  };
  writeFileSync(file, `${recordText(text)}\n`);
  const kept = least.steps.map(({ number }) => number);
  console.error(
    `shrunk from ${scenario.steps.length} to ${least.steps.length} steps in ${tries} runs: ${file}\n` +
      `  left: ${kept.join(',')}\n  ${problem.rule}: ${problem.job ?? ''} ${problem.message}`,
  );
}
