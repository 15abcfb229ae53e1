import { kindOf } from '../store.ts';
import type { Meter } from './meter.ts';
import { postgresMeter } from './postgres-meter.ts';
import { redisMeter } from './redis-meter.ts';

/** The store must run on this machine. */
export async function meterOf(storage: string): Promise<Meter> {
  switch (kindOf(storage)) {
    case 'postgres':
      return postgresMeter(storage);
    case 'redis':
      return redisMeter(storage);
    default:
      return {
        used: async () => {
          const { user, system } = process.cpuUsage();
          return { cpuUs: user + system, logBytes: null, commands: null, images: 0 };
        },
        kept: async () => null,
        settle: async () => {},
        async [Symbol.asyncDispose]() {},
      };
  }
}
