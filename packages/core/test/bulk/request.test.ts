import { expect, test } from 'vitest';
import { type BulkAction, newBulkOperation, readBulkOperation, renderBulkOperation } from '../../src/bulk/index.ts';
import { start } from '../support/records.ts';

function read(action: BulkAction, changes: string | null, more: object = { confirm: true }) {
  const request = JSON.stringify({ action, query: 'queue:mail', ...more });
  const text = changes === null ? request : `${request.slice(0, -1)},"changes":${changes}}`;
  return readBulkOperation(text, undefined, start);
}

test('changes are kept and shown as they were written', () => {
  const { action, selection, changes } = read('rerun', '{"args":[1.0, 12345678901234567890],"queue":"b","tags":null}');
  expect(changes).toEqual({ args: '[1.0, 12345678901234567890]', queue: '"b"' });
  const actor = { name: 'x', queues: null };
  const about = { id: 'i', action, selection, changes, actor, of: null, queue: null, rate: null };
  const operation = newBulkOperation({ ...about, startedAt: start, matched: 0, isLowerBound: false });
  expect(renderBulkOperation(operation, start)).toContain('"changes":{"args":[1.0, 12345678901234567890],"queue":"b"}');
});

test('a rerun may do without changes, and a dry run of all', () => {
  expect(read('rerun', null).changes).toEqual({});
  expect(read('edit', null, { dry_run: true }).dryRun).toBe(true);
  expect(read('reschedule', '{"scheduled_at":"now"}').changes).toEqual({ scheduled_at: '"now"' });
});

test.each([
  ['priority', null, '$.changes', 'is required, with priority'],
  ['priority', '{}', '$.changes', 'is required'],
  ['priority', '{"priority":101}', '$.changes.priority', '100'],
  ['priority', '{"tags":[]}', '$.changes.tags', 'priority takes priority'],
  ['reschedule', '{"scheduled_at":"soon"}', '$.changes.scheduled_at', 'RFC 3339'],
  ['reschedule', '{"priority":1}', '$.changes.priority', 'scheduled_at or delay_until'],
  ['edit', '{"retry":{"max_attempts":-1}}', '$.changes.retry.max_attempts', ''],
  ['edit', '{"args":5}', '$.changes.args', 'array'],
  ['rerun', '{"scheduled_at":"now"}', '$.changes.scheduled_at', 'RFC 3339'],
  ['rerun', '{"queue":"a b"}', '$.changes.queue', ''],
  ['cancel', '{"priority":1}', '$.changes.priority', 'no changes'],
  ['edit', '5', '$.changes', 'object'],
  ['edit', `{"args":["${'x'.repeat(65_536)}"]}`, '$.changes', '65536 characters'],
] as const)('%s with wrong changes is refused: case %#', (action, changes, path, message) => {
  const issue = expect.objectContaining({ path, message: expect.stringContaining(message) });
  expect(() => read(action, changes)).toThrow(
    expect.objectContaining({ details: { validation_errors: expect.arrayContaining([issue]) } }),
  );
});

test('an edit keeps the queue, as a single one', () => {
  expect(() => read('edit', '{"queue":"b"}')).toThrow(expect.objectContaining({ code: 'unsupported' }));
});
