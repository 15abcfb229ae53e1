import { runCases } from '../src/run.ts';

runCases();
