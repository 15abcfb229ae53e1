import { type Call, type CronView, decideTrigger, definitionOf, dueAfter, OjsFault, readCron, renderCron, uuidv7 } from '@ojs-ts/core';
import type { Answers } from './jobs.ts';
import { bodyOf, ok, pageOf, param, type Reply } from './reply.ts';
import type { Table } from './table.ts';

/** Crons are kept and shown; none fires by itself. */
export function cronAnswers(table: Table): Answers {
  const crons = new Map<string, CronView>();
  const find = (call: Call): CronView => {
    const name = param(call, 'name');
    const cron = crons.get(name);
    if (cron === undefined) throw new OjsFault('not_found', 'There is no cron with this name.', { name: name.slice(0, 255) });
    return cron;
  };
  const put = (cron: CronView): CronView => {
    crons.set(cron.name, cron);
    return cron;
  };
  const enable = (call: Call, enabled: boolean): Reply => {
    const cron = find(call);
    if (cron.enabled === enabled) return shown(cron);
    const { now } = table;
    return shown(put({ ...cron, enabled, dueAt: enabled ? dueAfter(definitionOf(cron.spec), now) : null, updatedAt: now }));
  };
  return {
    'cron.list': (call) => {
      const all = [...crons.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const { items, pagination } = pageOf(call, all);
      const list = `[${items.map((cron) => renderCron(cron)).join(',')}]`;
      const sums = `"count":${items.length},"total":${all.length},"pagination":${JSON.stringify(pagination)}`;
      return ok(`{"crons":${list},"cron_jobs":${list},"items":${list},${sums}}`);
    },
    'cron.register': (call) => {
      const { now } = table;
      const { name, enabled, dueAt, spec } = readCron(bodyOf(call), now);
      const known = crons.get(name);
      const { runCount = 0, lastRunAt = null, createdAt = now } = known ?? {};
      const reply = shown(put({ name, spec, enabled, dueAt, runCount, lastRunAt, createdAt, updatedAt: now }));
      return known === undefined ? { ...reply, status: 201, headers: { location: `/ojs/v1/cron/${name}` } } : reply;
    },
    'cron.get': (call) => shown(find(call)),
    'cron.remove': (call) => {
      const cron = find(call);
      crons.delete(cron.name);
      const text = renderCron(cron);
      return ok(`{"deleted":true,"name":${JSON.stringify(cron.name)},"cron":${text},"cron_job":${text}}`);
    },
    'cron.pause': (call) => enable(call, false),
    'cron.resume': (call) => enable(call, true),
    'cron.trigger': (call) => {
      const cron = find(call);
      const { now } = table;
      const { job, events } = decideTrigger(cron, definitionOf(cron.spec), now, () => uuidv7(table.clock));
      const inserted = job === null ? null : table.insert(job);
      if (inserted?.kind === 'duplicate') {
        const existing = inserted.existing.id;
        throw new OjsFault('duplicate', `Job ${existing} has the same unique key; nothing was enqueued.`, { existing_job_id: existing });
      }
      for (const event of events) table.log.add(event, now);
      const text = renderCron(put({ ...cron, runCount: cron.runCount + 1, lastRunAt: now }));
      const id = inserted?.job.id ?? '';
      return { status: 201, text: `{"job_id":"${id}","cron":${text},"cron_job":${text}}`, headers: { location: `/ojs/v1/jobs/${id}` } };
    },
  };
}

function shown(cron: CronView): Reply {
  const text = renderCron(cron);
  return ok(`{"cron":${text},"cron_job":${text},${renderCron(cron, ['expression', 'schedule']).slice(1)}`);
}
