// What Linux says of a process. Elsewhere the figures are NaN, and tables show them so.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of /proc, in every build of Linux that Node runs on. */
const ticksPerSecond = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** CPU time of all its threads so far, in milliseconds. */
export function cpuMs(pid: number): number {
  // The name stands in brackets and may hold anything.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}

/**
 * CPU of a process and of its children in microseconds, those that have ended included; NaN where there is no such
 * process. Threads that live count in nanoseconds, where /proc/PID/stat has hundredths of a second.
 */
export function treeCpuUs(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  const ended = ((Number(fields[13]) + Number(fields[14])) * 1_000_000) / ticksPerSecond;
  return sum([ended, ownCpuUs(pid), ...childrenOf(pid).map(ownCpuUs)]);
}

/** 0 for a process that has ended meanwhile: its parent counts it then. */
function ownCpuUs(pid: number): number {
  return sum(tasksOf(pid).map((task) => Number(read(`${task}/schedstat`).split(' ')[0]) / 1_000));
}

/** Memory of a process and its children in bytes, each shared page counted once; NaN where Linux does not say. */
export function treeMemoryBytes(pid: number): number {
  const own = pssBytes(pid);
  return sum([own, ...childrenOf(pid).map((child) => pssBytes(child) || 0)]);
}

function childrenOf(pid: number): readonly number[] {
  return tasksOf(pid).flatMap((task) => read(`${task}/children`).split(' ').filter(Boolean).map(Number));
}

function tasksOf(pid: number): readonly string[] {
  return list(`/proc/${pid}/task`).map((name) => `/proc/${pid}/task/${name}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Resident memory now, in bytes. */
export function rssBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

export function peakRssBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** Resident memory, pages that several processes share divided among them, in bytes. */
export function pssBytes(pid: number): number {
  return kilobytesOf(read(`/proc/${pid}/smaps_rollup`), 'Pss') * 1_024;
}

/** How often its threads went to sleep so far. */
export function wakeUps(pid: number): number {
  const counts = list(`/proc/${pid}/task`).map((thread) =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(read(`/proc/${pid}/task/${thread}/status`))?.[1] ?? 0),
  );
  return counts.length === 0 ? Number.NaN : counts.reduce((sum, count) => sum + count);
}

function statusBytes(pid: number, name: string): number {
  return kilobytesOf(read(`/proc/${pid}/status`), name) * 1_024;
}

function kilobytesOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether a process of this machine runs a program of such a name. */
export function isProgram(pid: number, name: RegExp): boolean {
  return name.test(read(`/proc/${pid}/comm`));
}

export function parentOf(pid: number): number {
  return Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1]);
}

/** Local ports of its TCP connections. */
export function localPorts(pid: number): ReadonlySet<number> {
  const inodes = new Set(openFiles(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const ports = new Set<number>();
  for (const line of ['tcp', 'tcp6'].flatMap((table) => read(`/proc/${pid}/net/${table}`).split('\n').slice(1))) {
    const fields = line.trim().split(/\s+/);
    if (inodes.has(fields[9] ?? '')) ports.add(Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
  }
  return ports;
}

/** What its file descriptors point to. */
export function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return list(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)];
    } catch {
      return [];
    }
  });
}
