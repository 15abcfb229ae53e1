import { runCases } from '../src/run.ts';

// Rows that would make a job run twice or not at all; `npm run lab` runs all.
runCases(/jobId|deduplication|attempts: 1|singleton|policy|jobKey/);
