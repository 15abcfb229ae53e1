import { expect, test, vi } from 'vitest';
import { type Isolated, Isolation } from '../../../src/worker/execution/isolation.ts';
import { LeasedJob } from '../../../src/worker/leases/leased-job.ts';
import { LeasedJobs } from '../../../src/worker/leases/leased-jobs.ts';

const hour = 3_600_000;

function jobOf(id: string, state: LeasedJob['state'] = 'running'): LeasedJob {
  const leased = new LeasedJob({ id, x_alone_ms: 30_000 }, id, performance.now(), performance.now() + hour);
  leased.state = state;
  return leased;
}

class Member implements Isolated {
  readonly leasedJobs = new LeasedJobs();
  running = 0;
  returned = 0;
  resumed = 0;
  readonly active = () => this.running;
  returnWaiting(): void {
    this.returned++;
  }
  resume(): void {
    this.resumed++;
  }
  end(leased: LeasedJob): void {
    this.leasedJobs.remove(leased);
    this.leasedJobs.changed();
  }
}

function benchOf() {
  const isolation = new Isolation();
  const [one, other] = [new Member(), new Member()];
  isolation.join(one);
  isolation.join(other);
  const suspect = jobOf('suspect', 'waiting');
  one.leasedJobs.add(suspect);
  const started: string[] = [];
  return { isolation, one, other, suspect, started, start: () => void started.push('suspect') };
}

const rounds = () => new Promise((resolve) => setImmediate(resolve));

test('a suspect starts once no other job of the process is held, of whichever worker; then both fetch again', async () => {
  const { isolation, one, other, suspect, started, start } = benchOf();
  expect(suspect.aloneMs).toBe(30_000);
  const beside = jobOf('beside');
  other.leasedJobs.add(beside);
  other.running = 1;
  const over = isolation.run(one, suspect, hour, start);
  expect([isolation.isClosed, one.returned, other.returned]).toEqual([true, 1, 1]);
  await rounds();
  expect(started).toEqual([]);
  other.running = 0;
  other.leasedJobs.changed();
  await rounds();
  // Its outcome is not at the server yet.
  expect(started).toEqual([]);
  other.end(beside);
  await rounds();
  expect(started).toEqual(['suspect']);
  expect(isolation.isClosed).toBe(true);
  one.end(suspect);
  await over;
  expect([isolation.isClosed, one.resumed, other.resumed]).toEqual([false, 1, 1]);
});

test('outcomes that have no way to their server delay it by a second at most', async () => {
  const { isolation, one, other, suspect, started, start } = benchOf();
  other.leasedJobs.add(jobOf('settled', 'settled'));
  const over = isolation.run(one, suspect, hour, start);
  await vi.waitUntil(() => started.length > 0, { timeout: 30_000 });
  one.end(suspect);
  await over;
  expect(started).toEqual(['suspect']);
});

test('it starts beside a job that takes longer than its time alone', async () => {
  const { isolation, one, other, suspect, started, start } = benchOf();
  other.leasedJobs.add(jobOf('beside'));
  const over = isolation.run(one, suspect, 1, start);
  await over;
  expect([started, isolation.isClosed, other.resumed]).toEqual([['suspect'], false, 1]);
});

test('a suspect that was taken back, or whose worker stops, never starts', async () => {
  for (const end of ['lost', 'stopped'] as const) {
    const { isolation, one, other, suspect, started, start } = benchOf();
    other.leasedJobs.add(jobOf('beside'));
    const over = isolation.run(one, suspect, hour, start);
    if (end === 'stopped') isolation.leave(one);
    else {
      suspect.state = 'lost';
      one.end(suspect);
      for (const { leasedJobs } of [one, other]) leasedJobs.changed();
    }
    await over;
    expect([started, isolation.isClosed]).toEqual([[], false]);
  }
});
