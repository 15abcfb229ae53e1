import { type Random, randomOf } from './world/random.ts';

/** What a seed draws once. Times are milliseconds. */
export interface Parameters {
  readonly servers: number;
  readonly workers: number;
  readonly clients: number;
  /** How long work and faults go on; then everything is healed and has to end. */
  readonly chaosMs: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  /** Leases end all the time, because heartbeats come too late. */
  readonly storm: boolean;
  /** The part of handlers that run about as long as a lease. */
  readonly long: number;
  /** Factor of the latency to the store. */
  readonly storeScale: number;
  /** The most that a clock is off at its start. */
  readonly skewMs: number;
  /** One in a hundred messages and calls fails at any time. */
  readonly noise: boolean;
  /** Whether the checks with time bounds run after the calm. */
  readonly probes: boolean;
}

/** What happens at a time: work that a client gives, or a fault. `roll` are numbers from 0 up to 1. */
export interface Step {
  readonly number: number;
  readonly at: number;
  readonly do: string;
  readonly roll: readonly number[];
}

/** All that a run depends on. The same scenario on the same code gives the same trace. */
export interface Scenario {
  readonly seed: string;
  readonly storage: string;
  readonly parameters: Parameters;
  readonly steps: readonly Step[];
}

/** Draws the scenario of a seed. */
export function scenarioOf(
  seed: string,
  storage: string,
  work: readonly Weighted[],
  faults: readonly string[],
  chaosMs = 60_000,
): Scenario {
  const parameters = parametersOf(randomOf(`${seed} parameters`), chaosMs);
  const steps = [
    ...workSteps(randomOf(`${seed} work`), parameters, work),
    ...faultSteps(randomOf(`${seed} faults`), parameters, faults),
  ];
  steps.sort((left, right) => left.at - right.at);
  return { seed, storage, parameters, steps: steps.map((step, number) => ({ ...step, number })) };
}

/** A kind of work, and how often it is drawn. */
export interface Weighted {
  readonly name: string;
  readonly weight: number;
}

function parametersOf(random: Random, chaosMs: number): Parameters {
  const storm = random() < 0.25;
  const leaseMs = storm ? 400 : Math.round(1_500 + 8_000 * random() ** 2);
  return {
    servers: 1 + Math.floor(3 * random() ** 0.7),
    workers: 1 + Math.floor(3 * random() ** 0.7),
    clients: 1 + Math.floor(2.5 * random()),
    chaosMs,
    leaseMs,
    heartbeatMs: storm ? 3_000 : Math.round(leaseMs / (2 + 3 * random())),
    deadAfterMs: Math.round(3_000 + 10_000 * random()),
    storm,
    long: storm ? 0.5 : round(0.05 + 0.25 * random()),
    storeScale: random() < 0.5 ? 1 : round(100 ** random()),
    skewMs: random() < 0.3 ? 0 : Math.round(3_600_000 * random() ** 2),
    noise: random() < 0.9,
    probes: random() < 0.35,
  };
}

const rolls = 6;

function workSteps(
  random: Random,
  { chaosMs }: Parameters,
  work: readonly Weighted[],
): readonly Omit<Step, 'number'>[] {
  const total = work.reduce((sum, { weight }) => sum + weight, 0);
  const steps: Omit<Step, 'number'>[] = [];
  for (let at = 500; at < chaosMs; at += 25 + 225 * random()) {
    let left = random() * total;
    const kind = work.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    if (kind !== undefined) steps.push({ at: Math.round(at), do: kind.name, roll: rollOf(random) });
  }
  return steps;
}

/** A seed has a density of its own, and about two thirds of the kinds: so rare ones meet. */
function faultSteps(random: Random, { chaosMs }: Parameters, all: readonly string[]): readonly Omit<Step, 'number'>[] {
  const kinds = all.filter(() => random() < 0.65);
  const everyMs = 300 + 3_000 * random();
  const steps: Omit<Step, 'number'>[] = [];
  for (let at = 2_000; at < chaosMs && kinds.length > 0; at += 2 * everyMs * random()) {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? '';
    steps.push({ at: Math.round(at), do: kind, roll: rollOf(random) });
  }
  return steps;
}

function rollOf(random: Random): readonly number[] {
  return Array.from({ length: rolls }, () => round(random()));
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
