import { historyOf, type JobRecord } from '@ojs-ts/core/job';
import { historyErrors, invariantErrors } from '../../../packages/server/test/storage/invariants.ts';
import { check, read, type Verdict } from '../../checker/src/index.ts';
import { type Ask, calm } from './calm.ts';
import { Cluster } from './cluster.ts';
import { type Context, type Problem, textOf } from './context.ts';
import { Coverage } from './faults/coverage.ts';
import { addNoise, faults } from './faults/faults.ts';
import { recordEnd } from './history/final.ts';
import { Recorder } from './history/recorder.ts';
import { Network } from './network/network.ts';
import type { Server } from './nodes/server.ts';
import { Probes } from './probes.ts';
import { renewPool } from './product.ts';
import type { Summary } from './report.ts';
import { claimProblems } from './rules/claims.ts';
import { repeatProblems } from './rules/repeats.ts';
import { runProblems } from './rules/runs.ts';
import { workflowProblems } from './rules/workflows.ts';
import type { Scenario, Step } from './scenario.ts';
import { openStore } from './store/open.ts';
import { tenantLimit } from './workload/jobs.ts';
import { workload } from './workload/workload.ts';
import { randomOf } from './world/random.ts';
import { trueNow, World } from './world/world.ts';

export interface Outcome extends Summary {
  /** Parts of the work that were refused, or lost to a failure. */
  readonly refused: number;
  readonly history: readonly string[];
}

const limitedQueue = 'queue:limited';
const concurrency = 2;

/** Runs a scenario from its first step to the verdict. */
export async function simulate(scenario: Scenario, log: ((text: string) => void) | null = null): Promise<Outcome> {
  const began = trueNow();
  const { parameters, seed, storage: url } = scenario;
  const world = new World(seed, log);
  renewPool();
  const coverage = new Coverage();
  const network = new Network(coverage, parameters.storeScale);
  const recorder = new Recorder(world);
  const store = await openStore(url, world, network);
  const endpoints: Server[] = [];
  const context: Context = {
    ...{ world, network, coverage, recorder, parameters, store, endpoints },
    ...{
      runs: [],
      problems: [],
      made: [],
      workflows: [],
      mended: new Set(),
      limited: new Map(),
      checkpoints: new Map(),
    },
  };
  const unhandled = (error: unknown) => {
    context.problems.push({ rule: 'unhandled', message: textOf(error) });
  };
  process.on('unhandledRejection', unhandled);
  const ask: Ask = (call) => world.settle(store.node.run(call));
  try {
    await ask(() => store.storage.migrate());
    await ask(() => store.storage.registry.overrideLimit(limitedQueue, { concurrency, rates: [] }, world.epoch));
    const cluster = new Cluster(context, endpoints, randomOf(`${seed} clocks`));
    const refusals = { count: 0 };
    watchHeartbeats(context);
    if (parameters.noise) addNoise(cluster);
    for (const step of scenario.steps) planStep(cluster, step, refusals);
    await world.run(parameters.chaosMs);
    await calm(cluster, ask);
    recorder.add('calm', {});
    if (parameters.probes) await new Probes(cluster).run();
    await world.run(world.now + 3_000);
    cluster.kill();
    const jobs = await ask(() => recordEnd(store.storage, recorder));
    const history = historyOfWorld(context);
    const verdict = check(read(history));
    const found = [...context.problems, ...(await judge(context, jobs, ask)), ...problemsOf(verdict)];
    countRecoveries(jobs, coverage);
    world.note(`${found.length} problems`);
    return {
      seed,
      hash: world.digest(),
      problems: found,
      faults: coverage.toJSON(),
      judged: verdict.judged,
      steps: world.steps,
      simulatedMs: world.now,
      ms: trueNow() - began,
      jobs: jobs.length,
      runs: context.runs.length,
      refused: refusals.count,
      history,
    };
  } finally {
    await ask(async () => store[Symbol.asyncDispose]());
    process.off('unhandledRejection', unhandled);
  }
}

function planStep(cluster: Cluster, { at, do: name, roll }: Step, refusals: { count: number }): void {
  const { world } = cluster.context;
  const fault = faults[name];
  const kind = workload.find((one) => one.name === name);
  if (fault === undefined && kind === undefined) throw new Error(`A step does "${name}", which is unknown.`);
  world.plan(at, world.harness, name, () => {
    if (fault !== undefined) fault(cluster, roll);
    const process = cluster.clients[Math.floor((roll.at(-1) ?? 0) * cluster.clients.length)];
    if (kind === undefined || process === undefined || process.node.isDead) return;
    process.node.run(() =>
      kind.work({ context: cluster.context, process, roll }).catch((error: unknown) => {
        refusals.count++;
        if (error instanceof TypeError || error instanceof ReferenceError)
          cluster.context.problems.push({ rule: 'unexpected', message: `${name}: ${textOf(error)}` });
        world.note(`${name}: ${String(error).slice(0, 100)}`);
      }),
    );
  });
}

/** A server may take the claims of a worker back that it has not heard for a while. */
function watchHeartbeats({ recorder, world, parameters }: Context): void {
  const heard = new Map<string, number>();
  recorder.onHeartbeat = (node) => {
    heard.set(node.name, world.now);
    const watch = (ms: number): void => {
      world.harness.after(ms, 'silence', () => {
        // Timers end at whole milliseconds, up to one too early.
        if (node.isDead || world.now - (heard.get(node.name) ?? 0) < parameters.deadAfterMs / 2 - 1) return;
        recorder.add('loss', { node: node.name });
        watch(250);
      });
    };
    watch(parameters.deadAfterMs / 2);
  };
}

/** The clock of the store may gain 0.02 %: a delay of 100 s ends so much early. In milliseconds. */
const driftMs = 20;

/** The lines of the history. */
function historyOfWorld({ network, recorder }: Context): readonly string[] {
  const limits = [{ queue: 'limited', key: limitedQueue, concurrency }];
  const config = { at: 0, kind: 'config', toleranceMs: driftMs, limits };
  // A server knows the store's time no better than its way there and back: leases and windows of rates may end so much
  // early.
  const inexactMs = Math.ceil(network.longestClockTrip) + 50;
  const certain = (name: string, value: unknown) => {
    if (typeof value !== 'number') return value;
    // No two starts are within a window of nothing.
    if (name === 'windowMs') return Math.max(0, value - inexactMs);
    if (name !== 'leaseMs') return value;
    return value > inexactMs ? value - inexactMs : undefined;
  };
  return [JSON.stringify(config), ...recorder.lines.map((line) => JSON.stringify(line, certain))];
}

async function judge(
  { store, runs, limited, recorder }: Context,
  jobs: readonly JobRecord[],
  ask: Ask,
): Promise<Problem[]> {
  const inQueue = jobs.filter(({ queue }) => queue === 'limited').map(({ id }) => [id, limitedQueue] as const);
  const holders = jobs.flatMap(({ id, uniqueKey }) => (uniqueKey === null ? [] : [[id, uniqueKey] as const]));
  const removed = new Set(
    recorder.lines.flatMap(({ op, jobs }) => (op === 'remove' && Array.isArray(jobs) ? jobs : [])),
  );
  const rules = {
    removed,
    holders: new Map(holders),
    limited: new Map([...limited, ...inQueue]),
    slots: new Map([
      [limitedQueue, concurrency],
      ['tenant', tenantLimit],
    ]),
  };
  const log = await ask(() => historyErrors(store.storage, rules));
  const counts = await ask(() => invariantErrors(store.storage));
  return [
    ...log.map((message) => ({ rule: 'log', message })),
    ...counts.map((message) => ({ rule: 'store', message })),
    ...claimProblems(jobs),
    ...repeatProblems(recorder.lines),
    ...runProblems(jobs, runs, removed),
    ...(await ask(() => workflowProblems(store.storage))),
  ];
}

function problemsOf({ violations }: Verdict): readonly Problem[] {
  return violations.map(({ rule, at, job, message }) => ({
    rule,
    message: `at ${Math.round(at)}: ${message}`,
    ...(job !== undefined && { job }),
  }));
}

function countRecoveries(jobs: readonly JobRecord[], coverage: Coverage): void {
  for (const job of jobs)
    for (const entry of historyOf(job)) {
      if (entry.kind === 'requeued' && entry.reason === 'lost_answer') coverage.count('claim forgotten');
      if (entry.kind !== 'failed' || entry.by !== 'server') continue;
      coverage.count(entry.error.type === 'worker_death' ? 'claim of a dead worker' : 'claim expired');
    }
}
