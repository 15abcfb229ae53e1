import type { WorkerRecord } from '../../storage/storage.ts';
import { descriptionOf } from './workers.ts';

/** A process as its workers describe it; without both members, a worker counts as a process of its own. */
export interface WorkerProcess {
  readonly hostname?: string;
  readonly pid?: number;
}

/** Every worker that shares a process with one of `names`, with that process: the same object for the same process. */
export function processesOf(
  names: ReadonlySet<string>,
  workers: readonly WorkerRecord[],
): ReadonlyMap<string, WorkerProcess> {
  const found = new Map<string, WorkerProcess>([...names].map((worker) => [worker, {}]));
  const byKey = new Map<string, WorkerProcess>();
  for (const record of workers) {
    if (!names.has(record.worker)) continue;
    const process = describe(record);
    if (process === null) continue;
    const key = keyOf(process);
    byKey.set(key, byKey.get(key) ?? process);
  }
  for (const record of workers) {
    const process = byKey.size === 0 ? null : describe(record);
    const known = process === null ? undefined : byKey.get(keyOf(process));
    if (known !== undefined) found.set(record.worker, known);
  }
  return found;
}

function describe(record: WorkerRecord): Required<WorkerProcess> | null {
  const { hostname, pid } = descriptionOf(record);
  return typeof hostname === 'string' && hostname !== '' && typeof pid === 'number' && pid > 0
    ? { hostname, pid }
    : null;
}

function keyOf({ hostname, pid }: WorkerProcess): string {
  return `${pid} ${hostname}`;
}
