import { afterEach, expect, test, vi } from 'vitest';
import type { WorkerListener } from '../src/dev/worker-process.ts';
import { WorkerRunner } from '../src/dev/worker-runner.ts';

const processes: WorkerListener[] = [];

vi.mock('../src/dev/worker-process.ts', () => ({
  WorkerProcess: class {
    readonly ended = new Promise(() => {});
    readonly isStopping = false;

    constructor(_module: string, _url: string, listener: WorkerListener) {
      processes.push(listener);
    }
  },
}));

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('while a worker imports its files, nothing is said of a worker that has not come', () => {
  vi.useFakeTimers();
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const said = () => log.mock.calls.flat().filter((line) => /No worker of/.test(String(line)));
  const runner = new WorkerRunner({ module: '/nowhere/worker.ts', url: 'http://127.0.0.1:1', drainMs: 1 });
  runner.start();
  for (const file of ['worker.ts', 'a.ts', 'b.ts']) {
    vi.advanceTimersByTime(9_000);
    processes[0]?.imported(`/nowhere/${file}`);
  }
  vi.advanceTimersByTime(9_000);
  expect(said()).toEqual([]);
  vi.advanceTimersByTime(2_000);
  expect(said()).toEqual([
    'ojs    │ No worker of worker.ts has reached http://127.0.0.1:1 yet. Does it use another URL than OJS_BACKEND_URL?',
  ]);
  // An import of a job while it runs.
  processes[0]?.imported('/nowhere/late.ts');
  vi.advanceTimersByTime(60_000);
  runner.registered();
  processes[0]?.imported('/nowhere/later.ts');
  vi.advanceTimersByTime(60_000);
  expect(said()).toHaveLength(1);
});
