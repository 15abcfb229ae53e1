// A thread that says it lives, and then nothing more.
import { workerData } from 'node:worker_threads';

Atomics.add(new Int32Array(workerData.plan.cells), 1, 1);
for (;;);
