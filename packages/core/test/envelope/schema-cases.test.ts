import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProtocolError, uuidv7 } from '../../src/index.ts';
import { readEnvelope } from '../../src/job/index.ts';
import { sharedCases } from '../support/shared.ts';
import { words } from '../support/text.ts';

const folder = sharedCases('schema cases of the specification', 'OJS_SCHEMA_CASES', 'spec/json-schema-tests');
const now = Date.UTC(2026, 0, 1);

function textOf(kind: 'valid' | 'invalid', name: string): string {
  return readFileSync(join(folder ?? '', kind, name), 'utf8');
}

function cases(kind: 'valid' | 'invalid'): readonly (readonly [string, string])[] {
  const names = readdirSync(join(folder ?? '', kind)).toSorted();
  return names.map((name) => [name, textOf(kind, name)]);
}

/** Cases of `invalid` that an enqueue has to accept all the same. */
const accepted: Readonly<Record<string, string>> = {
  '01-missing-specversion.json': 'X1: the server fills specversion',
  '02-missing-id.json': 'X1: the server mints the id',
  '09-invalid-state.json': 'ojs-core §5.3: state is managed by the server and ignored',
  '11-negative-attempt.json': 'ojs-core §5.3: attempt is managed by the server and ignored',
  '16-error-missing-type.json': 'ojs-core §5.3: error is managed by the server and ignored',
  '22-type-with-hyphens.json': 'X4: hyphens are allowed in a type',
};

if (folder !== null) {
  describe('json-schema-tests', () => {
    test.each(cases('valid'))('valid/%s is accepted', (_, text) => {
      const { job } = readEnvelope(text, now, uuidv7);
      const sent = JSON.parse(text);
      const stored = JSON.parse(job.envelope);
      expect(stored.args).toEqual(sent.args);
      expect(stored.meta).toEqual(sent.meta ?? {});
      for (const name of words(`
        id type queue retry unique schema scheduled_at expires_at timeout x_custom_field x_backend_hint
      `)) {
        expect(stored[name]).toEqual(sent[name]);
      }
    });

    test.each(cases('invalid').filter(([name]) => !(name in accepted)))('invalid/%s is refused', (_, text) => {
      expect(() => readEnvelope(text, now, uuidv7)).toThrow(ProtocolError);
    });

    test.each(Object.entries(accepted))('invalid/%s is accepted: %s', (name) => {
      const text = textOf('invalid', name);
      expect(readEnvelope(text, now, uuidv7).job.type).toBe(JSON.parse(text).type);
    });
  });
}
