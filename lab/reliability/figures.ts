import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { recordText } from '../simulation/src/record-text.ts';
import type { Instrument } from './planted.ts';

const file = fileURLToPath(new URL('figures.json', import.meta.url));

/** What every run says of itself. */
interface Run {
  /** The commit that was tried. */
  readonly commit: string;
  /** The day, as in `2026-01-31`. */
  readonly day: string;
  /** The command that repeats it. */
  readonly command: string;
}

export interface SimulationRun extends Run {
  readonly seeds: number;
  /** The seeds that broke a rule. */
  readonly failed: readonly string[];
  readonly hours: number;
  readonly jobs: number;
  readonly executions: number;
}

export interface ChaosRun extends Run {
  readonly minutes: number;
  readonly jobs: number;
  readonly records: number;
  readonly violations: number;
  readonly faults: Readonly<Record<string, number>>;
}

export interface LossRun extends Run {
  readonly losses: number;
  readonly failed: number;
  /** Acknowledged jobs that were looked for, over all losses. */
  readonly jobs: number;
  readonly lostBytes: number;
}

export interface Finding {
  readonly name: string;
  readonly breaks: string;
  readonly instrument: Instrument;
  /** The rule or case that broke; null where the instrument saw nothing. */
  readonly found: string | null;
  /** How many seeds, losses of power or cases it took; of a miss, how many were tried. */
  readonly after: number;
  /** The official or own case that sees a bug that its instrument missed. */
  readonly instead: string | null;
}

export interface PlantedRun extends Run {
  /** Seeds or losses of power until a bug counts as missed. */
  readonly tries: number;
  readonly findings: readonly Finding[];
}

/** The last run of each instrument; none at all for one that never ran. */
export interface Figures {
  readonly 'simulation on memory'?: SimulationRun;
  readonly 'simulation on SQLite'?: SimulationRun;
  readonly 'chaos on SQLite'?: ChaosRun;
  readonly 'chaos on PostgreSQL'?: ChaosRun;
  readonly 'chaos on Redis'?: ChaosRun;
  readonly 'loss of power'?: LossRun;
  readonly 'planted bugs'?: PlantedRun;
}

export function readFigures(): Figures {
  return JSON.parse(readFileSync(file, 'utf8'));
}

export function writeFigures(figures: Figures): void {
  writeFileSync(file, `${recordText(figures)}\n`);
}
