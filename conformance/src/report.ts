import type { StepFailure } from './steps.ts';

export interface CaseResult {
  readonly file: string;
  /** Empty for a file that is not a case; its level is −1. */
  readonly id: string;
  readonly level: number;
  readonly name: string;
  readonly durationMs: number;
  /** Empty if the case passed. */
  readonly failures: readonly StepFailure[];
}

export interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly cases: readonly CaseResult[];
}

/** One line for each case, its failures below. */
export function tableOf(report: Report): string {
  const width = Math.max(0, ...report.cases.map(({ id }) => id.length));
  return report.cases.map((result) => rowOf(result, width)).join('\n');
}

/** The failed cases only. */
export function failuresOf(report: Report): string {
  return tableOf({ ...report, cases: report.cases.filter(({ failures }) => failures.length > 0) });
}

function rowOf({ failures, id, file, durationMs }: CaseResult, width: number): string {
  const row = `${failures.length === 0 ? 'pass' : 'FAIL'}  ${id.padEnd(width)}  ${String(Math.round(durationMs)).padStart(6)} ms  ${file}`;
  return [row, ...failures.map(detailOf)].join('\n');
}

function detailOf({ step, what, expected, actual }: StepFailure): string {
  return `      ${step === '' ? '' : `step ${step}: `}${what}\n        expected ${expected}\n        got      ${actual}`;
}

/** Always the last line of the output. */
export function summaryOf({ passed, failed }: Report): string {
  return `${passed} passed, ${failed} failed`;
}
