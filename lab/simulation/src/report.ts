import type { Problem } from './context.ts';
import { Coverage } from './faults/coverage.ts';
import type { Options } from './options.ts';
import { trueNow } from './world/world.ts';

/** What is printed of a seed. */
export interface Summary {
  readonly seed: string;
  readonly hash: string;
  readonly problems: readonly Problem[];
  readonly faults: Readonly<Record<string, number>>;
  readonly judged: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly ms: number;
  readonly jobs: number;
  readonly runs: number;
}

export function isSummary(value: unknown): value is Summary {
  return typeof value === 'object' && value !== null && 'seed' in value && 'problems' in value;
}

/** So many seeds must have met every kind of fault. */
const many = 30;
/** Violations that are printed of a seed. */
const shown = 5;

/** Prints a line a seed, and at the end what all of them came to. */
export class Report {
  readonly #options: Options;
  readonly #began = trueNow();
  readonly #coverage = new Coverage();
  readonly #judged = new Coverage();
  readonly #failed: string[] = [];
  #seeds = 0;
  #simulatedMs = 0;
  #jobs = 0;
  #runs = 0;
  #steps = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  add(summary: Summary): void {
    const { seed, hash, problems, faults, judged, ...figures } = summary;
    this.#seeds++;
    this.#coverage.add(faults);
    this.#judged.add(judged);
    this.#simulatedMs += figures.simulatedMs;
    this.#jobs += figures.jobs;
    this.#runs += figures.runs;
    this.#steps += figures.steps;
    if (problems.length > 0) this.#failed.push(seed);
    if (this.#options.json) {
      console.log(JSON.stringify(summary));
      return;
    }
    if (problems.length === 0 && this.#options.quiet) return;
    const { jobs, runs, simulatedMs, ms } = figures;
    const text = `${jobs} jobs, ${runs} runs, ${Math.round(simulatedMs / 1_000)} s in ${Math.round(ms)} ms`;
    console.log(`seed ${seed} hash ${hash}: ${text}, ${problems.length} violations`);
    for (const { rule, job = '', message } of problems.slice(0, shown))
      console.log(`  ${rule}: ${job} ${message.slice(0, 500)}`);
    if (problems.length > shown) console.log(`  … and ${problems.length - shown} more`);
  }

  get failures(): number {
    return this.#failed.length;
  }

  end(): void {
    if (this.#options.json) return;
    const ms = trueNow() - this.#began;
    const { storage, bug: planted } = this.#options;
    if (this.#seeds > 1 || !this.#options.quiet) {
      console.log(`faults: ${listOf(this.#coverage.counts)}`);
      console.log(`judged: ${listOf(this.#judged.counts)}`);
    }
    const missing = this.#coverage.missing(storage === 'sqlite:');
    if (this.#seeds >= many && missing.length > 0) console.log(`never occurred: ${missing.join(', ')}`);
    const failed = this.#failed.length === 0 ? '' : ` (${this.#failed.slice(0, 20).join(', ')})`;
    const speed = `${((this.#seeds / ms) * 60_000).toFixed(0)} seeds a minute`;
    const hours = (this.#simulatedMs / 3_600_000).toFixed(1);
    console.log(
      `${storage}${planted === null ? '' : ` with ${planted}`}: ` +
        `${this.#seeds} seeds, ${this.#failed.length} failed${failed}; ` +
        `${hours} simulated hours, ${this.#jobs} jobs, ${this.#runs} runs, ` +
        `${this.#steps} events in ${Math.round(ms / 1_000)} s, ${speed}`,
    );
  }
}

function listOf(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
