import {
  type Call,
  type CronView,
  changedCron,
  checkZone,
  cronFields,
  cronWarnings,
  decideFiring,
  decideTrigger,
  definitionOf,
  dueAfter,
  type FiringDecision,
  formatTimestamp,
  type Inserted,
  isIn,
  nextRuns,
  ProtocolError,
  parseCron,
  parseTimestamp,
  readCron,
  renderCron,
  scheduleOf,
  skippedEvent,
  Terminal,
  uuidv7,
} from '@ojs-ts/core';
import type { Answers } from './jobs.ts';
import { bodyOf, fieldsOf, json, ok, pageOf, param, type Reply } from './reply.ts';
import type { Table } from './table.ts';

/** Crons of a store: core decides what a run leads to, here it is done. */
export class Crons {
  readonly #table: Table;
  readonly #crons = new Map<string, CronView>();

  constructor(table: Table) {
    this.#table = table;
  }

  get answers(): Answers {
    return {
      'cron.list': (call) => {
        const all = [...this.#crons.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
        const { items, pagination } = pageOf(call, all);
        const list = `[${items.map((cron) => renderCron(cron)).join(',')}]`;
        const sums = `"count":${items.length},"total":${all.length},"pagination":${JSON.stringify(pagination)}`;
        return ok(`{"crons":${list},"cron_jobs":${list},"items":${list},${sums}}`);
      },
      'cron.register': (call) => this.#register(call),
      'cron.get': (call) => shown(this.#find(call)),
      'cron.remove': (call) => {
        const cron = this.#find(call);
        this.#crons.delete(cron.name);
        const text = renderCron(cron);
        return ok(`{"deleted":true,"name":${JSON.stringify(cron.name)},"cron":${text},"cron_job":${text}}`);
      },
      'cron.update': (call) => this.#update(call),
      'cron.runs': (call) => this.#runs(call),
      'cron.preview': (call) => this.#preview(call),
      'cron.pause': (call) => this.#enable(call, false),
      'cron.resume': (call) => this.#enable(call, true),
      'cron.trigger': (call) => this.#trigger(this.#find(call)),
    };
  }

  /** Fires what is due, each once however many of its times have passed, as a server does after an outage. */
  fireDue(): void {
    const { now } = this.#table;
    const due = [...this.#crons.values()].filter(({ enabled, dueAt }) => enabled && dueAt !== null && dueAt <= now);
    for (const cron of due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.name < b.name ? -1 : 1))) {
      const unfinished = [...this.#table.jobs.values()].filter(
        (job) => job.cron === cron.name && !isIn(job.state, Terminal),
      );
      const definition = definitionOf(cron.spec);
      const decided = decideFiring(cron, definition, unfinished, now, () => uuidv7(this.#table.clock));
      const inserted = this.#fire(cron, decided);
      if (inserted?.kind !== 'duplicate' || decided.job === null) continue;
      const { id } = inserted.existing;
      this.#table.log.add(skippedEvent(cron.name, definition, decided.job, 'duplicate', { existing_job_id: id }), now);
    }
  }

  #trigger(cron: CronView): Reply {
    const { now, clock } = this.#table;
    const decided = decideTrigger(cron, definitionOf(cron.spec), now, () => uuidv7(clock));
    const inserted = this.#fire(cron, decided);
    if (inserted?.kind === 'duplicate') {
      const existing = inserted.existing.id;
      throw new ProtocolError('duplicate', `Job ${existing} has the same unique key; nothing was enqueued.`, {
        existing_job_id: existing,
      });
    }
    const text = renderCron(this.#crons.get(cron.name) ?? cron);
    const id = decided.job?.id ?? '';
    return {
      status: 201,
      text: `{"job_id":"${id}","cron":${text},"cron_job":${text}}`,
      headers: { location: `/ojs/v1/jobs/${id}` },
    };
  }

  #fire(cron: CronView, { dueAt, job, cancels, events }: FiringDecision): Inserted | null {
    const { now, log } = this.#table;
    for (const cancel of cancels) this.#table.move(cancel);
    const inserted = job === null ? null : this.#table.insertOne(job);
    if (inserted?.kind !== 'duplicate') for (const event of events) log.add(event, now);
    const ran = inserted?.kind === 'inserted';
    this.#put({ ...cron, dueAt, ...(ran && { runCount: cron.runCount + 1, lastRunAt: now }) });
    return inserted;
  }

  #register(call: Call): Reply {
    const { now } = this.#table;
    const { name, enabled, dueAt, spec } = readCron(bodyOf(call), now);
    const known = this.#crons.get(name);
    const { runCount = 0, lastRunAt = null, createdAt = now } = known ?? {};
    const warnings = cronWarnings(scheduleOf(definitionOf(spec)));
    const { status, text } = shown(
      this.#put({ name, spec, enabled, dueAt, runCount, lastRunAt, createdAt, updatedAt: now }),
    );
    const reply = {
      status,
      text: warnings.length === 0 ? text : `${text.slice(0, -1)},"warnings":${JSON.stringify(warnings)}}`,
    };
    return known === undefined ? { ...reply, status: 201, headers: { location: `/ojs/v1/cron/${name}` } } : reply;
  }

  #update(call: Call): Reply {
    const cron = this.#find(call);
    const fields = fieldsOf(call);
    if (!Object.keys(fields).some((field) => cronFields.has(field))) {
      if (typeof fields.enabled === 'boolean') return this.#enable(call, fields.enabled);
      throw ProtocolError.invalid([{ path: '$', message: 'must have enabled, or fields of the definition' }]);
    }
    const { now } = this.#table;
    const { enabled, dueAt, spec } = readCron(changedCron(cron, bodyOf(call)), now);
    return shown(this.#put({ ...cron, spec, enabled, dueAt, updatedAt: now }));
  }

  /** When it will run next. */
  #runs(call: Call): Reply {
    const { name, spec, enabled, dueAt } = this.#find(call);
    const definition = definitionOf(spec);
    const { now } = this.#table;
    const from = dueAt === null ? now : Math.max(now, dueAt - 1);
    const count = Math.min(100, Number(call.query?.limit ?? 10) || 10);
    const runs = enabled ? nextRuns(scheduleOf(definition), definition.timezone, from, count, dueAt ?? now) : [];
    return json({ name, timezone: definition.timezone, runs: runs.map(formatTimestamp) });
  }

  /** The same for an expression that is not registered. */
  #preview(call: Call): Reply {
    const { expression, cron, timezone = 'UTC', count = 10, from } = fieldsOf(call);
    const text = String(expression ?? cron ?? '');
    const zone = String(timezone);
    const schedule = parseCron(text, '$.expression');
    checkZone(zone, '$.timezone');
    const after = typeof from === 'string' ? (parseTimestamp(from) ?? this.#table.now) : this.#table.now;
    return json({
      expression: text,
      timezone: zone,
      runs: nextRuns(schedule, zone, after, Math.min(100, Number(count))).map(formatTimestamp),
    });
  }

  #enable(call: Call, enabled: boolean): Reply {
    const cron = this.#find(call);
    if (cron.enabled === enabled) return shown(cron);
    const { now } = this.#table;
    return shown(
      this.#put({ ...cron, enabled, dueAt: enabled ? dueAfter(definitionOf(cron.spec), now) : null, updatedAt: now }),
    );
  }

  #find(call: Call): CronView {
    const name = param(call, 'name');
    const cron = this.#crons.get(name);
    if (cron === undefined)
      throw new ProtocolError('not_found', `There is no cron with the name ${name.slice(0, 255)}.`, {
        name: name.slice(0, 255),
      });
    return cron;
  }

  #put(cron: CronView): CronView {
    this.#crons.set(cron.name, cron);
    return cron;
  }
}

function shown(cron: CronView): Reply {
  const text = renderCron(cron);
  return ok(`{"cron":${text},"cron_job":${text},${renderCron(cron, ['expression', 'schedule']).slice(1)}`);
}
