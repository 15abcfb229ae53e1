/**
 * The processor time, in milliseconds, that this thread spent on the work. A bound on it tells what the work costs; one
 * on the clock's time would also tell what else the machine had to do meanwhile.
 */
export function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
