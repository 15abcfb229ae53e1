import { Redis } from 'ioredis';
import type { Meter } from './meter.ts';

/** Redis has no log here: the main thread and the memory are what a job costs. */
export async function redisMeter(storage: string): Promise<Meter> {
  const client = new Redis(storage, { maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  const fields = async (...names: readonly string[]) => {
    const info = await client.info();
    return names.map((name) => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]));
  };
  return {
    async used() {
      const names = ['used_cpu_user_main_thread', 'used_cpu_sys_main_thread', 'total_commands_processed'] as const;
      const [user = 0, system = 0, commands = 0] = await fields(...names);
      return { cpuUs: (user + system) * 1_000_000, logBytes: null, commands, images: 0 };
    },
    kept: async () => (await fields('used_memory'))[0] ?? null,
    settle: async () => {},
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}
