// A thread that says it lives, and ends with the first call.
import { workerData } from 'node:worker_threads';

const { plan, port } = workerData;
const cells = new Int32Array(plan.cells);
Atomics.add(cells, 1, 1);
process.once('exit', () => {
  Atomics.store(cells, 2, 1);
  Atomics.add(cells, 0, 1);
  Atomics.notify(cells, 0);
});
port.on('message', () => process.exit(1));
