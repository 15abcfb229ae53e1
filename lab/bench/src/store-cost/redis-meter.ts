import { Redis } from 'ioredis';
import type { Meter } from './meter.ts';

/** Redis has no log here: the main thread and the memory are what a job costs. */
export async function redisMeter(storage: string): Promise<Meter> {
  const client = new Redis(storage, { maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  const field = async (section: string, name: string) =>
    Number(new RegExp(`^${name}:(.*)$`, 'm').exec(await client.info(section))?.[1]);
  return {
    async used() {
      const [user, system] = await Promise.all([
        field('cpu', 'used_cpu_user_main_thread'),
        field('cpu', 'used_cpu_sys_main_thread'),
      ]);
      return { cpuUs: (user + system) * 1_000_000, logBytes: null, images: 0 };
    },
    kept: () => field('memory', 'used_memory'),
    settle: async () => {},
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}
