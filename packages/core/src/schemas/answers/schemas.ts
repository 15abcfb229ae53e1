import { Type } from '../type.ts';
import * as t from './parts.ts';

const head = {
  ...t.each(t.text(), 'uri', 'type', 'job_type'),
  version: Type.Union([t.text(), t.count()]),
  mode: t.oneOf(['strict', 'warn', 'off']),
  created_at: t.time(),
};
const Schema = t.named('Schema', head);
export type Schema = t.Of<typeof Schema>;
const whole = { ...head, schema: t.mapOf(t.json()) };
const nested = t.answer({ schema: t.named('SchemaText', whole) });
const flat = t.answer(whole);
const deleted = t.answer({ deleted: t.yes(), ...head });
const versions = t.list(t.object({ ...head, is_latest: t.flag() }));

export const schemaAnswers = {
  'schema.list': t.answer({ schemas: t.list(Schema), items: t.list(Schema), pagination: t.Page }),
  'schema.register': nested,
  'schema.get': nested,
  'schema.versions': t.answer({ type: t.text(), job_type: t.text(), versions, items: versions, count: t.count() }),
  'schema.getVersion': nested,
  'schema.delete': deleted,
  'schema.deleteVersion': deleted,
  'schema.put': flat,
  'schema.getFlat': flat,
  'schema.getVersionFlat': flat,
};
