import type { JobId } from '@ojs-ts/core/job';
import { readDirective, readIds } from '../rows.ts';
import type { Beaten, Registry, WorkerBeat, WorkerRecord } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { integer, integerOrNull, listOf, text, textOrNull } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

export function workers(scripts: Scripts): Pick<Registry, 'beat' | 'workers' | 'direct' | 'forgetWorker'> {
  return {
    async beat(beats, now) {
      const replies = listOf(await scripts.run('worker_beat', [now, ...beats.flatMap(packBeat)]));
      return beats.map((beat, at) => readBeaten(beat, replies[at]));
    },

    async workers() {
      const cells = listOf(await scripts.run('worker_list', []));
      const found = cells.flatMap((cell, at) => (at % 2 === 0 ? [readWorker(text(cell), cells[at + 1])] : []));
      return found.sort((a, b) => (a.worker < b.worker ? -1 : 1));
    },

    async direct(worker, directive) {
      return (await scripts.run('worker_direct', [worker, directive ?? ''])) === 1;
    },

    async forgetWorker(worker) {
      return (await scripts.run('worker_forget', [worker])) === 1;
    },
  };
}

function packBeat({
  worker,
  state,
  info,
  holds,
  partial,
  leaseMs,
  knownUntil,
}: WorkerBeat): readonly (string | number)[] {
  const listed = holds === null || partial ? '' : JSON.stringify(holds.map(({ id }) => id));
  const held = (holds ?? []).flatMap(({ id, claim }) => [id, claim ?? '']);
  return [worker, state, info, listed, leaseMs ?? '', knownUntil ?? '', held.length / 2, ...held];
}

/** The directive, and for each listed job whether its lease was extended. */
function readBeaten({ holds }: WorkerBeat, reply: Packed | undefined): Beaten {
  const [directive, ...owned] = listOf(reply);
  const ids = (holds ?? []).map(({ id }) => id);
  const those = (value: number): readonly JobId[] => ids.filter((_, at) => owned[at] === value);
  return { directive: readDirective(textOrNull(directive)), extended: those(1), lost: those(0) };
}

function readWorker(worker: string, reply: Packed | undefined): WorkerRecord {
  const [seenAt, seenBefore, state, directive, info, holds, heldBefore] = listOf(reply);
  return {
    worker,
    seenAt: integer(seenAt),
    seenBefore: integerOrNull(seenBefore),
    state: readDirective(text(state)) ?? 'running',
    directive: readDirective(textOrNull(directive)),
    info: text(info),
    holds: readIds(textOrNull(holds)),
    heldBefore: readIds(textOrNull(heldBefore)),
  };
}
