// A thread that answers the first call when the second one comes.
import { workerData } from 'node:worker_threads';

const { plan, port } = workerData;
const cells = new Int32Array(plan.cells);
Atomics.add(cells, 1, 1);
port.on('message', ({ kind, id }: { kind: string; id: number }) => {
  if (kind !== 'call' || id === 1) return;
  for (const one of [1, 2]) {
    port.postMessage({ id: one, outcome: { answer: { status: 200, text: `of call ${one}`, headers: {} } } });
    Atomics.add(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
});
