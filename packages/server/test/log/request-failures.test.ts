import { expect, onTestFinished, test, vi } from 'vitest';
import { RequestFailures } from '../../src/request-failures.ts';
import { serverLog } from '../../src/server-log.ts';

interface Line {
  readonly message: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

test('an outage is one line of the log for each cause and minute, with a count', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: Line[] = [];
  const log = serverLog('error', { write: (text) => void lines.push(JSON.parse(text)) });
  using failures = new RequestFailures(log);
  const outage = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      failures.failed(new Error('The store is unreachable.'), 'job.enqueue', 'r');
      vi.advanceTimersByTime(100);
    }
  };
  outage(25_000);
  failures.failed(new Error('Something else.'), 'job.get', 'r');
  expect(lines).toHaveLength(2);
  outage(35_000);
  expect(lines.slice(2).map(({ attributes }) => attributes)).toEqual([
    { cause: 'Error: The store is unreachable.', repeated: 599 },
  ]);
  // After a quiet minute a cause is new.
  vi.advanceTimersByTime(120_000);
  outage(100);
  expect(lines).toHaveLength(4);
  expect(lines[3]?.attributes).toMatchObject({ operation: 'job.enqueue' });
});
