export type { Case, Step } from './case.ts';
export { type CaseResult, failuresOf, type Report, summaryOf, tableOf } from './report.ts';
export { type RunOptions, runSuites } from './run.ts';
export type { StepFailure } from './steps.ts';
export { loadSuite, type Suite } from './suite.ts';
