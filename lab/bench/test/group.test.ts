import { expect, test } from 'vitest';
import { modes, runJobs } from '../src/group/run.ts';

test.each(['memory:', 'sqlite:'])(
  'the same jobs as batches and as a group, each acked once and counted: %s',
  async (storage) => {
    for (const mode of modes) {
      const { wallMs, cpuMs, createMs } = await runJobs(mode, storage, 250);
      expect(wallMs).toBeGreaterThan(createMs);
      expect(cpuMs).toBeGreaterThan(0);
    }
  },
);
