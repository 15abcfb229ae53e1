import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** Of one minute, a core. Above it somebody else has a share in the figures. */
const busyLoad = 0.3;

export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Load averages of 1, 5 and 15 minutes before the run. */
  readonly load: readonly number[];
  readonly busy: boolean;
}

export function machine(): Machine {
  const load = loadavg();
  const cores = availableParallelism();
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    load,
    busy: (load[0] ?? 0) / cores > busyLoad,
  };
}

export function describeHardware({ node, cpu, cores, memoryGiB, system }: Machine): string {
  return `Node ${node}, ${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}`;
}

export function describeMachine(facts: Machine): string {
  const { load, busy } = facts;
  const lines = [describeHardware(facts), `load before the run: ${load.map((one) => one.toFixed(2)).join(' ')}`];
  if (busy) lines.push('WARNING: the machine is busy with something else; these figures are too low and uneven.');
  return lines.join('\n');
}
