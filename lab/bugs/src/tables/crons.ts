import * as days from '../../../../packages/core/src/cron/days.ts';
import * as fields from '../../../../packages/core/src/cron/fields.ts';
import * as insert from '../../../../packages/core/src/memory/insert.ts';
import type { CaseBugs } from '../bugs.ts';
import { answers, answerTexts } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant } from '../plant.ts';

/** Changes what is read, and decided, when a cron fires. */
function firing(
  change: (decided: core.FiringDecision) => core.FiringDecision,
  read: (unfinished: readonly core.JobRecord[]) => readonly core.JobRecord[] = (unfinished) => unfinished,
): Plant {
  return on(core, 'decideFiring', (next, cron, definition, unfinished, ...rest) =>
    change(next(cron, definition, read(unfinished), ...rest)),
  );
}

/** Changes the text of a registration. */
function registered(change: (text: string) => string): Plant {
  return on(core, 'readCron', (next, text, now) => next(change(text), now));
}

export const crons: CaseBugs = {
  'disabled-cron-is-due': [
    'OJS-L2-CRN-020',
    on(core.CronRecords.prototype, 'due', async function (_next, _now, limit) {
      return (await this.list()).filter(({ lastRunAt }) => lastRunAt === null).slice(0, limit);
    }),
  ],
  'enable-keeps-no-next-run': [
    'OJS-L2-CRN-006 OJS-L2-CRN-027',
    on(core, 'putCron', (next, current, cron, now) => next(current, current ? { ...cron, dueAt: null } : cron, now)),
  ],
  'update-forgets-runs': [
    'OJS-L2-CRN-003',
    on(core, 'putCron', (next, ...args) => ({ ...next(...args), runCount: 0 })),
  ],
  'one-cron-dialect-in': [
    'OJS-L2-CRN-002 OJS-L2-CRN-022',
    on(core.Part.prototype, 'find', (next, name, other) => (name === 'job_template' ? next('job') : next(name, other))),
  ],
  'one-cron-wrapper': [
    'OJS-L2-CRN-001 OJS-L2-CRN-006',
    answerTexts(/^cron\.(?!list)/, (text) => text.replace('"cron_job"', '"x"')),
  ],
  'one-cron-list': ['OJS-L2-CRN-005', answerTexts(/cron.list/, (text) => text.replace('"cron_jobs"', '"x"'))],
  'reversed-range': [
    'OJS-L2-CRN-008',
    on(fields, 'readItem', (next, item, ...rest) =>
      next(
        item.replace(/^(\d+)-(\d+)/, (whole, a, b) => (Number(a) > Number(b) ? `${b}-${a}` : whole)),
        ...rest,
      ),
    ),
  ],
  'both-days-must-match': [
    'OJS-L2-CRN-009 OJS-L2-CRN-012',
    on(days, 'daysOf', (next, rule, month) => next({ ...rule, either: true }, month)),
  ],
  'any-zone-of-intl': [
    'OJS-L2-CRN-010 OJS-L2-CRN-021',
    on(core, 'checkZone', (next, name, at) => {
      try {
        new Intl.DateTimeFormat('en', { timeZone: name });
      } catch {
        next(name, at);
      }
    }),
  ],
  'unknown-cron-is-a-conflict': [
    'OJS-L2-CRN-004 OJS-L2-CRN-007',
    answers(/^cron/, (reply) => (reply.status === 404 ? { ...reply, status: 409 } : reply)),
  ],
  'cron-in-utc': [
    'OJS-L2-CRN-011 OJS-L2-CRN-012',
    on(core, 'nextRun', (next, schedule, _, ...rest) => next(schedule, 'UTC', ...rest)),
  ],
  'gap-fires-late': [
    'OJS-L2-CRN-012',
    on(core, 'nextRun', (next, schedule, zone, after, anchor) => {
      const at = next(schedule, zone, after, anchor);
      const [skipped] = core.skippedRuns(schedule, zone, after, at ?? after + 400 * 86_400_000, 1);
      return skipped?.at ?? at;
    }),
  ],
  'run-has-no-name': [
    'OJS-L2-CRN-013 OJS-L2-CRN-015 OJS-L2-CRN-019',
    on(core, 'recordOf', (next, job) => {
      const record = next(job);
      return { ...record, envelope: record.envelope.replace('"cron_name"', '"x"') };
    }),
  ],
  'run-omitted': ['OJS-L2-CRN-013', firing((decided) => (decided.job === null ? decided : { ...decided, events: [] }))],
  'overlap-ignored': [
    'OJS-L2-CRN-014',
    firing(
      (decided) => decided,
      () => [],
    ),
  ],
  'overlap-counts-last-run-only': [
    'OJS-L2-CRN-028',
    on(core, 'decideFiring', (next, cron, definition, unfinished, ...rest) =>
      next(
        cron,
        definition,
        unfinished.filter(({ id }) => 'lastJob' in cron && id === cron.lastJob),
        ...rest,
      ),
    ),
  ],
  'previous-not-cancelled': ['OJS-L2-CRN-016', firing((decided) => ({ ...decided, cancels: [] }))],
  'unknown-overlap-skips': [
    'OJS-L2-CRN-018',
    registered((text) => text.replace(/"overlap_policy"\s*:\s*"(?!skip|allow|cancel|enqueue)/, '"x":"')),
  ],
  'any-cron-name': ['OJS-L2-CRN-023', on(core, 'isCronName', (_, name) => String(name).length <= 256)],
  'client-counts-runs': [
    'OJS-L2-CRN-024',
    registered((text) => text.replace(/"status"\s*:\s*"disabled"/, '"enabled":false')),
  ],
  'pause-drops-runs': [
    'OJS-L2-CRN-025',
    on(insert, 'insertGroup', (next, tables, group, change, options) =>
      next(tables, group, change, options?.always ? { refusePaused: true } : options),
    ),
  ],
  'sub-second-crons': [
    'OJS-L2-CRN-026',
    on(core, 'readInterval', (next, text, refuse) => (text.endsWith('ms') ? 1_000 : next(text, refuse))),
  ],
};
