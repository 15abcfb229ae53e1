import { readFileSync } from 'node:fs';
import type { EventKind } from '@ojs-ts/core/events';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Frame, FrameReader } from '../../src/events/frames.ts';
import { kindsOf, matcherOf } from '../../src/events/wanted.ts';
import { Event, EventType, OJSEvent } from '../../src/index.ts';
import { openBench } from '../support/bench.ts';

describe('the text of a stream', () => {
  /** The rules of HTML §9.2.6 on the whole text at once. */
  function reference(text: string): Frame[] {
    const frames: Frame[] = [];
    let [name, id, data]: [string, string, string[]] = ['', '', []];
    const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
    for (const line of lines.slice(0, -1)) {
      if (line === '') {
        if (data.length > 0) frames.push({ name: name === '' ? 'message' : name, data: data.join('\n'), id });
        [name, data] = ['', []];
        continue;
      }
      const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
      if (field === 'event') name = value;
      if (field === 'data') data.push(value);
      if (field === 'id' && !value.includes('\0')) id = value;
    }
    return frames;
  }

  function cut(text: string, places: readonly number[]): string[] {
    const bounds = [
      0,
      ...places.map((place) => place % (text.length + 1)).sort((one, other) => one - other),
      text.length,
    ];
    return bounds.slice(1).map((end, index) => text.slice(bounds[index], end));
  }

  const line = fc.oneof(
    fc.constantFrom(
      '',
      'data',
      'data:',
      ':heartbeat',
      ':',
      'id',
      'event: job.completed',
      'retry: 12',
      'retry: x',
      'unknown: 1',
      'id: a\0b',
    ),
    fc.string().map((value) => `data: ${value}`),
    fc.string().map((value) => `data:${value}`),
    fc.nat().map((value) => `id: ${value}`),
    fc.string({ unit: fc.constantFrom('d', 'a', 't', 'i', ':', ' ', '\n', '\r', 'é', '😀') }),
  );
  const stream = fc
    .tuple(
      fc.constantFrom('', '\uFEFF'),
      fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r', ''))),
    )
    .map(([mark, lines]) => mark + lines.flat().join(''));

  test('the reader gives the same events for any cut, with LF, CR, CRLF, comments and several data lines', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const reader = new FrameReader();
        expect(cut(text, places).flatMap((chunk) => [...reader.read(chunk)])).toEqual(reference(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('the id of an event that was cut off is ignored', () => {
    const reader = new FrameReader('7');
    expect([...reader.read('id: 8\nevent: job.completed\ndata: {}\n\nid: 9\nevent: job.failed\nda')]).toHaveLength(1);
    expect(reader.lastId).toBe('8');
    expect([...reader.read('ta: {}\n\n')]).toMatchObject([{ id: '9' }]);
    expect(reader.lastId).toBe('9');
  });

  test('the reader keeps the id of an empty frame and the retry delay', () => {
    const reader = new FrameReader('7');
    expect(reader.lastId).toBe('7');
    expect([...reader.read('retry: 3000\nid: 41\n\n:heartbeat\n\n')]).toEqual([]);
    expect(reader).toMatchObject({ lastId: '41', retryMs: 3_000 });
    expect([...reader.read('data: {"a":\ndata: 1}\n\n')]).toEqual([{ name: 'message', data: '{"a":\n1}', id: '41' }]);
    expect([...reader.read('id: 42\nevent: x\ndata: cut off')]).toEqual([]);
  });
});

describe('Event', () => {
  const data = { job_id: '019', job_type: 'email.send', queue: 'email', state: 'completed', attempt: 1 };

  test.each([
    ['of OJS', { event: 'job.completed', timestamp: '2026-01-31T12:00:00.000Z', data }],
    [
      'of CloudEvents',
      {
        specversion: '1.0',
        id: 'evt_1',
        source: 'ojs://a',
        type: 'job.completed',
        time: '2026-01-31T13:00:00+01:00',
        subject: '019',
        data,
      },
    ],
  ])('Event.fromDict reads the form %s', (_, raw) => {
    const event = Event.fromDict(raw);
    expect(event).toMatchObject({ event: EventType.JOB_COMPLETED, timestamp: new Date('2026-01-31T12:00:00Z'), data });
    expect([event.jobId, event.jobType, event.queue, event.state]).toEqual(['019', 'email.send', 'email', 'completed']);
    expect(event).toBeInstanceOf(OJSEvent);
  });

  test('the job accessors are undefined for events of other subjects', () => {
    const event = Event.fromDict({
      id: 'evt_2',
      event: 'workflow.started',
      timestamp: '2026-01-31T12:00:00Z',
      data: { workflow_id: 'w' },
    });
    expect([event.jobId, event.jobType, event.queue, event.state, event.workflowId, event.id]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'w',
      'evt_2',
    ]);
  });

  test('flat events of a stream take their kind and id from it', () => {
    const change = {
      job_id: '019',
      queue: 'q',
      type: 'a.b',
      from: 'active',
      to: 'completed',
      timestamp: '2026-01-31T12:00:00Z',
    };
    const event = Event.fromStream('job.state_changed', '41', change);
    expect(event).toMatchObject({ event: 'job.state_changed', id: '41', timestamp: new Date('2026-01-31T12:00:00Z') });
    expect([event.jobId, event.jobType, event.queue, event.state]).toEqual(['019', 'a.b', 'q', 'completed']);
  });

  test('flat progress with data of its own is no envelope', () => {
    const report = { job_id: '019', type: 'a.b', timestamp: '2026-01-31T12:00:00Z', progress: 40, data: { files: 3 } };
    const event = Event.fromStream('job.progress', '42', report);
    expect(event).toMatchObject({ event: 'job.progress', id: '42', jobId: '019', jobType: 'a.b' });
    expect(event.progress).toEqual({ percent: 40, data: { files: 3 } });
  });

  test.each([
    [{ timestamp: '2026-01-31T12:00:00Z' }, 'event'],
    [{ event: 'a', timestamp: 'yesterday' }, 'timestamp'],
    [{ event: 'a', time: '2026-01-31T12:00:00Z', data: [] }, 'data'],
  ])('refuses %j', (raw, path) => {
    expect(() => Event.fromDict(raw)).toThrow(
      expect.objectContaining({ name: 'OJSValidationError', issues: [expect.objectContaining({ path })] }),
    );
  });

  test('EventType has the constants of the brief, and all that our server emits', () => {
    const named: Readonly<Record<string, string>> = EventType;
    for (const [key, kind] of Object.entries(named)) expect(key).toBe(kind.replaceAll('.', '_').toUpperCase());
    expectTypeOf<EventKind>().toExtend<EventType>();
  });
});

test('a prefix requests no job.state_changed, but matches it', () => {
  expect(kindsOf(['workflow.step_*', 'job.completed', 'job.completed'])).toEqual([
    'workflow.step_completed',
    'workflow.step_failed',
    'job.completed',
  ]);
  expect(kindsOf(['job.*'])).not.toContain('job.state_changed');
  expect(kindsOf(['vendor.*'])).toEqual(['vendor.*']);
  expect(kindsOf(undefined)).toContain('worker.heartbeat');
  const isWanted = matcherOf(['job.*', 'cron.skipped']);
  expect(['job.failed', 'cron.skipped', 'cron.triggered', 'system.gap'].filter(isWanted)).toEqual([
    'job.failed',
    'cron.skipped',
    'system.gap',
  ]);
});

test('docs/reference/events.md names every event type and the fields of a progress report', async () => {
  const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8');
  const isNamed = (kind: string) => page.includes(`\`${kind}\``) || page.includes(`\`${kind.split('.')[0]}.*\``);
  expect(Object.values(EventType).filter((kind) => !isNamed(kind))).toEqual([]);

  await using bench = await openBench();
  const { embedded, client } = bench;
  const handler = bench.worker();
  handler.register('a.job', (ctx) => ctx.progress(65.5, 'two thirds'));
  const job = await client.enqueue('a.job', []);
  await handler.runUntil(job.wait());
  const { text } = await embedded.call({ operation: 'event.list', query: { types: 'job.progress' } });
  const [polled] = JSON.parse(text).events;
  for await (const streamed of client.events({ jobId: job.id, types: ['job.progress'], after: '0' })) {
    expect(streamed.data).toMatchObject(polled.data);
    expect(streamed).toMatchObject({
      jobId: job.id,
      jobType: 'a.job',
      queue: 'default',
      state: 'active',
      attempt: 1,
      workerId: handler.workerId,
    });
    expect(streamed.progress).toEqual({ percent: 65.5, message: 'two thirds' });
    expect(Event.fromDict(polled).progress).toEqual(streamed.progress);
    break;
  }
});
