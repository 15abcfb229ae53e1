import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { capacityOf } from '../src/latency/capacity.ts';
import { commandLine, Ledger } from '../src/ledger.ts';
import { PeakMemory } from '../src/peak-memory.ts';
import { treeMemoryBytes } from '../src/process.ts';
import { growth, paced, type Subject } from '../src/scenarios/paced.ts';
import { Stopwatch } from '../src/stopwatch.ts';

const isLinux = process.platform === 'linux';

function burn(ms: number): void {
  const from = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(from);
    if (user + system >= ms * 1_000) return;
  }
}

describe('the stopwatch', () => {
  test.runIf(isLinux)('counts the CPU time of this process and of others, with their children, a job', async () => {
    const code = `
      const from = process.cpuUsage();
      for (;;) { const { user, system } = process.cpuUsage(from); if (user + system >= 200_000) break; }`;
    // A shell, whose child does the work and is alive when it is read.
    const command = `"${process.execPath}" -e '${code} console.log("done"); setTimeout(() => {}, 60_000)' & wait`;
    const shell = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    try {
      const pid = shell.pid ?? 0;
      const watch = new Stopwatch({
        target: { url: '', pid: process.pid, others: [{ url: '', pid: process.pid }] },
        storePid: pid,
      });
      watch.start();
      burn(50);
      watch.start();
      await once(shell.stdout, 'data');
      const { cpu } = watch.stop(10);
      expect(cpu?.own).toBeGreaterThanOrEqual(5_000);
      expect(cpu?.store).toBeGreaterThanOrEqual(20_000);
      expect(cpu?.store).toBeLessThan(200_000);
      expect(cpu?.server).toBeGreaterThanOrEqual(10_000);
    } finally {
      process.kill(-(shell.pid ?? 0), 'SIGKILL');
    }
  });

  test('has no CPU time of a process that is not there, and the clock ends with the lap', async () => {
    const watch = new Stopwatch({ target: { storage: 'memory:' }, storePid: null });
    watch.start();
    watch.lap();
    await pause(50);
    const { cpu, jobsPerSecond } = watch.stop(10);
    expect(Object.keys(cpu ?? {})).toEqual(['own']);
    expect(jobsPerSecond).toBeGreaterThan(10 / 0.05);
  });

  test.runIf(isLinux)('and the memory of all processes is the most there was', async () => {
    using memory = new PeakMemory([process.pid, null]);
    await expect.poll(() => memory.bytes).not.toBeNull();
    expect(memory.bytes).toBeGreaterThan(treeMemoryBytes(process.pid) / 10);
    expect(treeMemoryBytes(2 ** 30)).toBeNaN();
  });
});

describe('a steady load', () => {
  /** Starts each job so long after its enqueue, but for those that it loses. */
  function subject(delayMs: number, isLost: (n: number) => boolean = () => false): Subject {
    let start: (n: number) => void = () => {};
    let left = 0;
    return {
      async enqueue(n) {
        left++;
        if (isLost(n)) return;
        void pause(delayMs).then(() => {
          left--;
          start(n);
        });
      },
      async work(_, onStart) {
        start = onStart;
        return { stop: async () => {} };
      },
      unfinished: async () => left,
    };
  }

  test('measures from the moment when a job is due', async () => {
    const { p50, p99, p999, max } = await paced(subject(40), 200, 1);
    // A timer may be a millisecond early.
    expect(p50).toBeGreaterThanOrEqual(39);
    expect([p50, p99, p999, max]).toEqual([p50, p99, p999, max].toSorted((a, b) => a - b));
  });

  test('shows a queue that does not keep up', async () => {
    expect(
      (
        await paced(
          subject(0, (n) => n % 10 === 0),
          100,
          1,
        )
      ).behind,
    ).toMatch(/10 jobs not started|waited in the last quarter/);
    const lost = await paced(
      subject(0, () => true),
      1_000,
      10,
    );
    expect(lost.behind).toMatch(/jobs behind after/);
  });

  test('a backlog may have a rhythm, but may not grow', () => {
    const quarters = (...means: number[]) => means.flatMap((mean) => Array.from({ length: 10 }, () => mean));
    expect(growth(quarters(0, 500, 500, 600), 1_000)).toBeNull();
    expect(growth(quarters(0, 0, 50, 90), 1_000)).toBeNull();
    expect(growth(quarters(0, 100, 200, 300), 1_000)).toMatch(/300 jobs waited in the last quarter, 100/);
  });
});

describe('the capacity', () => {
  test.each([5, 777, 5_000, 123_456])('of %i jobs a second is found within a tenth', async (capacity) => {
    const found = await capacityOf(async (rate) => rate <= capacity, 1_000, 6);
    expect(found).toBeLessThanOrEqual(capacity);
    expect(found).toBeGreaterThan(capacity / 1.1 - 1);
  });

  test('is what a probe of the whole length confirms', async () => {
    const asked: number[] = [];
    const found = await capacityOf(
      async (rate, seconds) => {
        asked.push(seconds);
        return rate <= (seconds === 60 ? 700 : 1_000);
      },
      1_000,
      60,
    );
    expect(found).toBeLessThanOrEqual(700);
    expect(found).toBeGreaterThan(600);
    expect(new Set(asked)).toEqual(new Set([10, 60]));
    expect(await capacityOf(async () => false, 1_000, 6)).toBe(0);
  });
});

test('a ledger keeps each figure at once, with commit, day, machine and command, and without addresses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-ledger-'));
  try {
    const file = join(folder, 'figures', 'some.json');
    const line = commandLine('some', ['--storage', 'postgres://user:secret@host/db', '--jobs', '5']);
    new Ledger<{ readonly jobs: number }>(file, line).put('a', { jobs: 1 });
    new Ledger<{ readonly jobs: number }>(file, line).put('b', { jobs: 2 });
    const { figures } = new Ledger<{ readonly jobs: number }>(file, line);
    expect(Object.keys(figures)).toEqual(['a', 'b']);
    expect(figures.a?.jobs).toBe(1);
    // A figure of files that differ from their commit says nothing about the next run.
    const ledger = new Ledger<{ readonly jobs: number }>(file, line);
    expect(ledger.has('a')).toBe(!figures.a?.origin.commit.endsWith('+'));
    expect(ledger.has('c')).toBe(false);
    expect(figures.a?.origin.commit).toMatch(/^[0-9a-f]{8}\+?$/);
    expect(figures.a?.origin.day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(figures.a?.origin.machine).toContain(process.version);
    expect(figures.a?.origin.command).toBe('npm run bench -- some --storage postgres://… --jobs 5');
    expect(readFileSync(file, 'utf8')).not.toContain('secret');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
