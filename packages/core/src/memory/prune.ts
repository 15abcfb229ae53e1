import type { Millis } from '@ojs-ts/core';
import { type JobRecord, queueLimitKey, Terminal } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { hasOpenSteps } from '@ojs-ts/core/workflow';
import type { JobRule, KeepRule, Pruned, PrunedJobs, PruneRules } from '../store/prune.ts';
import type { Tables } from './tables.ts';
import type { WorkflowRow } from './workflow-table.ts';

export function prune(tables: Tables, rules: PruneRules, limit: number): Pruned {
  const { events, workflows, statisticsBefore, requestsBefore, workersBefore, limitsBefore } = rules;
  const jobs = rules.jobs.map((rule) => pruneJobs(tables, rule, limit));
  return {
    jobs,
    others: {
      events: events ? tables.log.prune(events, limit) : 0,
      requestsBefore: requestsBefore === undefined ? 0 : pruneRequests(tables, requestsBefore, limit),
      workersBefore: workersBefore === undefined ? 0 : pruneWorkers(tables, workersBefore, limit),
      limitsBefore: limitsBefore === undefined ? 0 : pruneLimits(tables, limitsBefore, limit),
      workflows: workflows ? pruneWorkflows(tables, workflows, limit) : 0,
      statisticsBefore: statisticsBefore === undefined ? 0 : tables.statistics.prune(statisticsBefore, limit),
    },
  };
}

function pruneJobs(tables: Tables, rule: JobRule, limit: number): PrunedJobs {
  const rows = [...tables.rows.values()]
    .filter(({ job }) => isIn(job.state, rule.state & Terminal) && job.deadLetter === rule.deadLetter)
    .sort((a, b) => ended(a.job) - ended(b.job) || a.number - b.number);
  const surplus = rows.length - rule.keep;
  const gone = rows.filter(({ job }, index) => index < surplus || ended(job) < rule.before).slice(0, limit);
  for (const row of gone) tables.drop(row);
  const last = gone.at(-1);
  return {
    gone: gone.length,
    overCap: gone.filter(({ job }) => ended(job) >= rule.before).length,
    surplus: Math.max(0, surplus - gone.length),
    lastAt: last === undefined ? null : ended(last.job),
  };
}

function ended({ finishedAt }: Pick<JobRecord, 'finishedAt'>): Millis {
  return finishedAt ?? 0;
}

function pruneWorkflows(tables: Tables, { before, keep }: KeepRule, limit: number): number {
  const isOver = ({ record }: WorkflowRow) => record.state !== 'running' && !record.sweeping;
  const rows = [...tables.workflows.rows.values()]
    .filter(isOver)
    .sort((a, b) => ended(a.record) - ended(b.record) || a.number - b.number);
  const gone = rows
    .filter(({ record }, index) => index < rows.length - keep || ended(record) < before)
    .filter(({ record }) => !hasOpenSteps(record))
    .slice(0, limit);
  for (const row of gone) tables.workflows.drop(row);
  return gone.length;
}

function pruneRequests(tables: Tables, before: Millis, limit: number): number {
  const old = [...tables.requests].filter(([, { at }]) => at < before).slice(0, limit);
  for (const [request] of old) tables.requests.delete(request);
  return old.length;
}

/** The limit of a whole queue is removed with its queue. */
function pruneLimits(tables: Tables, before: Millis, limit: number): number {
  const old = [...tables.limits.values()].filter(
    ({ key, jobs, override, usedAt }) =>
      jobs === 0 && override === null && usedAt < before && !key.startsWith(queueLimitKey('')),
  );
  old.sort((a, b) => a.usedAt - b.usedAt || (a.key < b.key ? -1 : 1));
  for (const one of old.slice(0, limit)) tables.forgetLimit(one);
  return Math.min(old.length, limit);
}

function pruneWorkers(tables: Tables, before: Millis, limit: number): number {
  const old = [...tables.workers.values()].filter(({ seenAt }) => seenAt < before);
  old.sort((a, b) => a.seenAt - b.seenAt || (a.worker < b.worker ? -1 : 1));
  for (const { worker } of old.slice(0, limit)) tables.workers.delete(worker);
  return Math.min(old.length, limit);
}
