import { firstUuidAt, isIn, type JobRecord, type Millis, queueLimitKey, Terminal } from '@ojs-ts/core';
import type { Pruned, PruneRules } from '../storage.ts';
import type { Tables } from './tables.ts';
import type { WorkflowRow } from './workflow-table.ts';

export function prune(tables: Tables, rules: PruneRules, limit: number): Pruned {
  const jobs = rules.jobs.map((rule) => pruneJobs(tables, rule, limit));
  const others =
    tables.log.prune(rules.events, limit) +
    pruneRequests(tables, rules.requestsBefore, limit) +
    pruneWorkers(tables, rules.workersBefore, limit) +
    pruneLimits(tables, rules.limitsBefore, limit) +
    pruneWorkflows(tables, rules.workflows, limit) +
    pruneAudit(tables, rules.auditBefore, limit) +
    tables.statistics.prune(rules.statisticsBefore, limit);
  return { removed: jobs.reduce((sum, { gone }) => sum + gone, others), overCap: jobs.map(({ overCap }) => overCap) };
}

interface JobsGone {
  readonly gone: number;
  readonly overCap: number;
}

function pruneJobs(tables: Tables, rule: PruneRules['jobs'][number], limit: number): JobsGone {
  if (!isIn(rule.state, Terminal)) return { gone: 0, overCap: 0 };
  const rows = [...tables.rows.values()]
    .filter(({ job }) => job.state === rule.state && job.deadLetter === rule.deadLetter)
    .sort((a, b) => ended(a.job) - ended(b.job) || a.number - b.number);
  const surplus = rows.length - rule.keep;
  const gone = rows.filter(({ job }, index) => index < surplus || ended(job) < rule.before).slice(0, limit);
  for (const row of gone) tables.drop(row);
  return { gone: gone.length, overCap: gone.filter(({ job }) => ended(job) >= rule.before).length };
}

function ended({ finishedAt }: Pick<JobRecord, 'finishedAt'>): Millis {
  return finishedAt ?? 0;
}

function pruneWorkflows(tables: Tables, { before, keep }: PruneRules['workflows'], limit: number): number {
  const isOver = ({ record }: WorkflowRow) => record.state !== 'running' && !record.sweeping;
  const rows = [...tables.workflows.rows.values()]
    .filter(isOver)
    .sort((a, b) => ended(a.record) - ended(b.record) || a.number - b.number);
  const gone = rows.filter(({ record }, index) => index < rows.length - keep || ended(record) < before).slice(0, limit);
  for (const row of gone) tables.workflows.drop(row);
  return gone.length;
}

function pruneAudit({ audit }: Tables, before: Millis, limit: number): number {
  const bound = firstUuidAt(before);
  const old = [...audit.keys()]
    .filter((id) => id < bound)
    .sort()
    .slice(0, limit);
  for (const id of old) audit.delete(id);
  return old.length;
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
