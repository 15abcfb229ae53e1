import { isObject } from '@ojs-ts/core';
import { readEntries } from '@ojs-ts/core/events';
import { type JobRecord, State, stateName } from '@ojs-ts/core/job';
import type { Storage } from '../../../../packages/server/src/storage/storage.ts';
import { allJobs } from '../../../../packages/server/test/storage/suite/tools.ts';
import type { Recorder } from './recorder.ts';
import { states } from './states.ts';

const everyState = 0xff;
/** Queues of the probes, whose jobs may be under way at the end. */
export const probeQueue = 'probe.';
/** The cron of the probes. Nobody asks for a run of it. */
export const probeCron = 'probe';

interface EndRecorder extends Pick<Recorder, 'add' | 'timeIsRightAt'> {
  /** The only cron whose runs somebody asks for. By default every run counts as asked for that ran when it was due. */
  readonly byHand?: string;
}

/** Writes down what the store holds at the end: its log, its jobs and its counters. */
export async function recordEnd(storage: Storage, recorder: EndRecorder): Promise<readonly JobRecord[]> {
  const ticks = await recordLog(storage, recorder);
  const jobs = await allJobs(storage, { states: everyState });
  const names = await nodeNames(storage);
  for (const job of jobs) {
    const { id, queue, attempt, result, node, cron } = job;
    const state = stateOf(job.state);
    const tick = ticks.get(id);
    recorder.add('job', {
      id,
      queue,
      state,
      attempt,
      ...(result !== null && { result: JSON.stringify(JSON.parse(result)) }),
      ...(node !== null && { workflow: node.workflow, node: names.get(`${node.workflow} ${node.index}`) }),
      // A clock that was set back has a time twice.
      ...(cron !== null && tick !== undefined && recorder.timeIsRightAt === 0 && { cron, tick }),
      ...((job.state === State.pending || queue.startsWith(probeQueue)) && { waits: true }),
    });
  }
  for (const { name, counts } of await storage.registry.queues()) {
    const counted = Object.entries(counts).flatMap(([state, count]) => (count > 0 ? [[nameOf(state), count]] : []));
    recorder.add('counts', { queue: name, states: Object.fromEntries(counted) });
  }
  recorder.add('complete', {});
  return jobs;
}

/** Answers the tick of each job that a cron's schedule has made. */
async function recordLog(storage: Storage, recorder: EndRecorder): Promise<ReadonlyMap<string, string>> {
  const ticks = new Map<string, string>();
  const last = new Map<string, string>();
  for (const { position, entries } of (await storage.events(0, 1_000_000)).batches)
    for (const [index, entry] of readEntries(entries).entries()) {
      const [type, job, jobType, , from, to] = entry;
      const isOfJob = job !== null && jobType !== null;
      // One change may have several events, which all tell it.
      const change = `${from} ${to}`;
      const isChange = isOfJob && to !== null && from !== to && last.get(job) !== change;
      if (isChange) last.set(job, change);
      recorder.add('log', {
        position: position + index,
        type,
        ...(isOfJob && { job }),
        ...(isChange && { state: stateOf(to) }),
      });
      if (type === 'cron.triggered') noteTick(entry, ticks, recorder.byHand);
    }
  return ticks;
}

function noteTick(entry: readonly unknown[], ticks: Map<string, string>, byHand?: string): void {
  const data = entry.findLast((member) => isObject(member) && typeof member.job_id === 'string');
  if (!isObject(data)) return;
  // A run that somebody asked for has no tick, and was due when it ran.
  const isByHand =
    byHand === undefined
      ? data.cron_name !== probeCron && data.scheduled_at === data.actual_time
      : data.cron_name === byHand;
  if (!isByHand) ticks.set(String(data.job_id), String(data.scheduled_at));
}

async function nodeNames(storage: Storage): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const { items } = await storage.workflows.list({ states: null, limit: 1_000_000 });
  for (const { id } of items)
    for (const { index, name } of await storage.workflows.nodes(id, -1, 1_000_000)) names.set(`${id} ${index}`, name);
  return names;
}

function stateOf(state: JobRecord['state']): string {
  const name = stateName(state);
  return states.get(name) ?? name;
}

function nameOf(bit: string): string {
  const state = Object.values(State).find((value) => String(value) === bit);
  return state === undefined ? bit : stateOf(state);
}
