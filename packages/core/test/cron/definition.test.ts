import { describe, expect, test } from 'vitest';
import { changedCron, decideFiring, decideTrigger, definitionOf, readCron, renderCron } from '../../src/cron/index.ts';
import { cronJobNames } from '../../src/envelope/attributes.ts';
import type { EventEntry } from '../../src/events/index.ts';
import { members, ProtocolError, uuidFrom } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { claimed, jobOf, start } from '../support/records.ts';

const read = (body: object) => readCron(JSON.stringify(body), start);
const newId = () => uuidFrom(start, 7, 1);
const template = {
  name: 'report',
  expression: '*/5 * * * *',
  job_template: { type: 'a.b', args: [1], options: { queue: 'q' } },
};

function pathsOf(body: object): readonly string[] {
  try {
    read(body);
  } catch (error) {
    if (error instanceof ProtocolError)
      return (error.details.validation_errors as { path: string }[]).map(({ path }) => path);
  }
  return [];
}

describe('readCron', () => {
  test('both dialects make the same runs', () => {
    const flat = read({ name: 'report', cron: '*/5 * * * *', type: 'a.b', args: [1], options: { queue: 'q' } });
    expect(JSON.parse(flat.definition.enqueue)).toEqual(JSON.parse(read(template).definition.enqueue));
    expect(read({ ...template, schedule: '*/5 * * * *', expression: null }).definition.expression).toBe('*/5 * * * *');
    expect(flat).toMatchObject({
      name: 'report',
      definition: { enabled: true, pausedAt: null, timezone: 'UTC', overlap: 'skip' },
    });
  });

  test('args default to none, numbers keep their text, `cancel` is cancel_previous', () => {
    const { definition } = readCron(
      '{"name":"n","cron":"@daily","type":"a.b","meta":{"n":9007199254740993},"overlap_policy":"cancel"}',
      start,
    );
    expect(definition.enqueue).toBe('{"type":"a.b","meta":{"n":9007199254740993},"args":[]}');
    expect(definition.overlap).toBe('cancel_previous');
    expect(definitionOf(JSON.stringify(definition))).toEqual(definition);
  });

  test('every attribute of a run may stand beside the name, and is kept', () => {
    const flat = { type: 'a.b', args: [], ...Object.fromEntries(cronJobNames.map((name) => [name, null])) };
    const given = {
      ...flat,
      ...{ type: 'a.b', args: [1], meta: { a: 1 }, schema: 'urn:a', options: {}, queue: 'q', priority: 3 },
      ...{ timeout: 60, timeout_ms: 60_000, visibility_timeout: 60, visibility_timeout_ms: 60_000, tags: ['t'] },
      ...{ retry: { max_attempts: 2 }, unique: { keys: ['type'] }, rate_limit: { key: 'k', concurrency: 1 } },
      ...{
        total_timeout: 90,
        enqueue_ttl: 30,
        grace_period: 5,
        heartbeat_timeout: 20,
        result_ttl: 1,
        result_size_limit: 9,
      },
    };
    expect(JSON.parse(read({ name: 'report', cron: '@daily', ...given }).definition.enqueue)).toEqual(given);
  });

  test.each([
    [{ ...template, name: 'Up' }, '$.name'],
    [{ ...template, name: undefined }, '$.name'],
    [{ ...template, expression: undefined }, '$.expression'],
    [{ ...template, expression: '99 * * * *' }, '$.expression'],
    [{ ...template, timezone: 'EST' }, '$.timezone'],
    [{ ...template, overlap_policy: 'queue' }, '$.overlap_policy'],
    [{ ...template, enabled: 'yes' }, '$.enabled'],
    [{ ...template, job_template: 'a.b' }, '$.job_template'],
    [{ ...template, job_template: { args: [] } }, '$.job_template.type'],
    [{ ...template, job_template: { type: 'a.b', options: { queue: 'Q' } } }, '$.job_template.options.queue'],
    [{ name: 'n', cron: '@daily', type: 'A' }, '$.type'],
  ])('%j is refused at %s', (body, path) => {
    expect(pathsOf(body)).toEqual([path]);
  });
});

describe('firing (ojs-cron §6)', () => {
  const cron = { name: 'report', dueAt: start + 300_000, runCount: 4 };
  const at = start + 300_200;
  const fire = (overlap: string, ...unfinished: Parameters<typeof decideFiring>[2]) =>
    decideFiring(cron, read({ ...template, overlap_policy: overlap }).definition, unfinished, at, newId);
  const kinds = (events: readonly string[]) => events.map((text) => (JSON.parse(text) as EventEntry)[0]);
  const running = claimed(jobOf());

  test('meta of a run has the name and the time of its cron, beside its own members (§6.3)', () => {
    const { definition } = read({
      ...template,
      job_template: { type: 'a.b', meta: { tenant: 't', cron_name: 'forged' } },
    });
    const { job } = decideFiring(cron, definition, [], at, newId);
    const meta: unknown = JSON.parse(members(job?.envelope ?? '{}').get('meta') ?? '{}');
    expect(meta).toEqual({ tenant: 't', cron_name: 'report', cron_triggered_at: '2026-01-01T00:05:00.200Z' });
  });

  test('a template cannot forge the cron of a run', () => {
    const forged = { cron_name: 'forged', cron_triggered_at: 'never' };
    const job_template = { type: 'a.b', meta: forged, options: { meta: { ...forged, k: 1 }, metadata: forged } };
    const { job } = decideFiring(cron, read({ ...template, job_template }).definition, [], at, newId);
    const meta: unknown = JSON.parse(members(job?.envelope ?? '{}').get('meta') ?? '{}');
    expect(meta).toEqual({ cron_name: 'report', cron_triggered_at: '2026-01-01T00:05:00.200Z', k: 1 });
  });

  test('however many were missed, one run, and the next in the future (catch-up)', () => {
    const late = decideFiring(cron, read(template).definition, [], start + 3_600_000 + 1, newId);
    expect(late.job).not.toBeNull();
    expect(late.dueAt).toBe(start + 3_900_000);
  });

  test('skip: no run while an earlier one is unfinished', () => {
    const decided = fire('skip', running, { ...running, id: newId() });
    expect(decided.job).toBeNull();
    expect(decided.dueAt).toBe(start + 600_000);
    expect(kinds(decided.events)).toEqual(['cron.skipped']);
    expect(decided.events[0]).toContain('"reason":"overlap_skip"');
    expect(decided.events[0]).toContain(`"existing_job_id":"${running.id}"`);
    expect(fire('skip').job).toMatchObject({ cron: 'report' });
  });

  test('with an unfinished run: allow starts another one, cancel_previous cancels it, enqueue waits for it', () => {
    const older = { ...running, id: newId(), state: State.scheduled };
    expect(fire('allow', running)).toMatchObject({ cancels: [], job: { limits: [] } });
    expect(fire('cancel_previous', older, running)).toMatchObject({
      cancels: [
        { id: older.id, to: State.cancelled },
        { id: running.id, to: State.cancelled },
      ],
    });
    expect(fire('cancel_previous').cancels).toEqual([]);
    expect(fire('enqueue', running).job?.limits).toEqual([{ key: 'cron:report', concurrency: 1, rates: [] }]);
    expect(kinds(fire('enqueue', running).events)).toEqual(['cron.triggered']);
  });

  test('a trigger by hand does not change the schedule', () => {
    const decided = decideTrigger(cron, read(template).definition, at, newId);
    expect(decided).toMatchObject({ dueAt: cron.dueAt, cancels: [] });
    expect(kinds(decided.events)).toEqual(['cron.triggered']);
  });

  test('the event of a run lists local times after it that do not exist (§5.2)', () => {
    const now = Date.UTC(2026, 2, 7, 7, 30);
    const { definition } = readCron(
      JSON.stringify({ ...template, expression: '30 2 * * *', timezone: 'America/New_York' }),
      now - 1,
    );
    const decided = decideFiring({ ...cron, dueAt: now }, definition, [], now, newId);
    expect(decided.dueAt).toBe(Date.UTC(2026, 2, 9, 6, 30));
    expect(kinds(decided.events)).toEqual(['cron.triggered', 'cron.skipped']);
    expect(decided.events[1]).toContain('"reason":"dst_skip"');
  });
});

describe('a change and a rendering', () => {
  const view = (body: object) => {
    const { name, definition } = read(body);
    return {
      name,
      spec: JSON.stringify(definition),
      enabled: true,
      dueAt: start + 300_000,
      runCount: 2,
      lastRunAt: null,
      lastJob: null,
      createdAt: start,
      updatedAt: start,
    };
  };

  test('members that are not sent stay, in either dialect', () => {
    const changed = (change: object) =>
      readCron(changedCron(view({ ...template, timezone: 'Asia/Tokyo' }), JSON.stringify(change)), start);
    expect(changed({ cron: '@hourly' }).definition).toMatchObject({ expression: '@hourly', timezone: 'Asia/Tokyo' });
    expect(JSON.parse(changed({ args: [2] }).definition.enqueue)).toEqual({
      type: 'a.b',
      args: [2],
      options: { queue: 'q' },
    });
    expect(JSON.parse(changed({ job_template: { type: 'c.d' } }).definition.enqueue)).toEqual({
      type: 'c.d',
      args: [],
    });
    expect(changed({ name: 'other' }).name).toBe('report');
    expect(changed({ enabled: false }).definition.enabled).toBe(true);
    expect(changed({ timezone: null, cron: null, description: 'x' }).definition).toMatchObject({
      timezone: 'Asia/Tokyo',
      expression: '*/5 * * * *',
    });
  });

  test('an answer has both spellings', () => {
    expect(JSON.parse(renderCron(view(template)))).toEqual({
      name: 'report',
      id: 'report',
      cron: '*/5 * * * *',
      expression: '*/5 * * * *',
      schedule: '*/5 * * * *',
      timezone: 'UTC',
      overlap_policy: 'skip',
      enabled: true,
      status: 'active',
      registered_enabled: true,
      paused_at: null,
      never_runs: false,
      type: 'a.b',
      args: [1],
      meta: {},
      options: { queue: 'q' },
      job_template: { type: 'a.b', args: [1], options: { queue: 'q' } },
      next_run_at: '2026-01-01T00:05:00.000Z',
      last_run_at: null,
      run_count: 2,
      last_job_id: null,
      last_job_state: null,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
    });
  });
});
