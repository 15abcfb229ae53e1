import { ProtocolError } from '@ojs-ts/core';
import type { Shape, Warning } from '@ojs-ts/core/job';
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { expect, test } from 'vitest';
import { bodyShape, checkBody } from '../../src/binding/body-members.ts';
import { checkQuery, parametersOf } from '../../src/binding/query-parameters.ts';

type Part = 'query' | 'body';

/** The answer to a query parameter of this name, or to this body, as one line. */
function outcomeOf(operation: OperationName, part: Part, sent: string): string {
  try {
    const warnings = part === 'query' ? checkQuery(operation, { [sent]: '1' }) : checkBody(operation, sent).warnings;
    return warnings.length === 0 ? 'accepted' : `warned: ${textOf(warnings)}`;
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'invalid_request') throw error;
    return `refused: ${textOf(error.details.validation_errors as readonly Warning[])}`;
  }
}

function textOf(warnings: readonly Warning[]): string {
  return warnings
    .map(({ path, message, suggestion }) => `${path}: ${message} [${suggestion ?? 'no suggestion'}]`)
    .join(' | ');
}

// Every kind of answer. unknown-names.test.ts has that each operation gives it for a letter that is off.
test.each<[OperationName, Part, string, string]>([
  [
    'admin.job',
    'query',
    'zzzzzzzz',
    'refused: query.zzzzzzzz: unknown parameter; GET /ojs/v1/admin/jobs/:id takes no parameters. [no suggestion]',
  ],
  [
    'admin.errors',
    'query',
    'stat',
    'refused: query.stat: unknown parameter; GET /ojs/v1/admin/errors takes state, states, dead_letter, queue, type, limit. Did you mean state? [state]',
  ],
  [
    'admin.errors',
    'query',
    'zzzzzzzz',
    'refused: query.zzzzzzzz: unknown parameter; GET /ojs/v1/admin/errors takes state, states, dead_letter, queue, type, limit. [no suggestion]',
  ],
  [
    'event.list',
    'query',
    'since',
    'warned: query.since: GET /ojs/v1/events ignores this parameter; leave it out. [no suggestion]',
  ],
  [
    'system.health',
    'query',
    'zzzzzzzz',
    'warned: query.zzzzzzzz: GET /ojs/v1/health ignores this parameter; leave it out. [no suggestion]',
  ],
  [
    'bulk.cancel',
    'body',
    '{"filte":1}',
    'refused: $.filte: unknown member; nothing was changed. Did you mean filter? [filter]',
  ],
  [
    'bulk.cancel',
    'body',
    '{"filter":{"queu":1},"zzzzzzzz":1}',
    'refused: $.filter.queu: unknown member; nothing was changed. Did you mean queue? [queue] | $.zzzzzzzz: unknown member; nothing was changed. [no suggestion]',
  ],
  [
    'bulk.enqueue',
    'body',
    '{"atomicit":1,"zzzzzzzz":1}',
    'warned: $.atomicit: unknown member; it has no effect. Did you mean atomicity? [atomicity] | $.zzzzzzzz: unknown member; it has no effect. [no suggestion]',
  ],
  [
    'cron.update',
    'body',
    '{"timezon":1}',
    'refused: $.timezon: unknown member; nothing was changed. Did you mean timezone? [timezone]',
  ],
  [
    'cron.update',
    'body',
    '{"job":{"typ":1},"retry":{"jitte":true}}',
    'warned: $.job.typ: unknown member; it has no effect. Did you mean type? [type] | $.retry.jitte: unknown member; it has no effect. Did you mean jitter? [jitter]',
  ],
])('%s answers a %s with %s', (operation, part, sent, outcome) => {
  expect(outcomeOf(operation, part, sent)).toBe(outcome);
});

/** The names at every place of a body, each place with the answer to any other name. */
function placesIn(operation: OperationName, shape: Shape, path = '$'): readonly (readonly [string, string])[] {
  const names = [...shape.members.keys()];
  const probe = path
    .split('.')
    .slice(1)
    .reduceRight<object>((inner, name) => ({ [name]: inner }), { zzzzzzzz: 1 });
  const answer = outcomeOf(operation, 'body', JSON.stringify(probe)).split(':')[0];
  const nested = [...shape.members].flatMap(([name, inner]) =>
    inner === null ? [] : placesIn(operation, inner, `${path}.${name}`),
  );
  return [[`others are ${answer}\t${names.join(' ')}`, `${operation} ${path}`], ...nested];
}

test('the names that each operation knows, and its answer to others', async () => {
  const places = operationNames.flatMap((operation): readonly (readonly [string, string])[] => {
    const { read, tolerated } = parametersOf(operation);
    const shape = bodyShape(operation);
    const effect = outcomeOf(operation, 'query', 'zzzzzzzz').split(':')[0];
    const beside = tolerated.length === 0 ? '' : `, ${tolerated.join(' ')} without an effect`;
    return [
      [`others are ${effect}${beside}\t${read.join(' ')}`, `${operation} query`],
      ...(shape === null ? [] : placesIn(operation, shape)),
    ];
  });
  const lines = [...Map.groupBy(places, ([names]) => names)].map(
    ([names, same]) => `${names}\t${same.map(([, place]) => place).join(', ')}\n`,
  );
  await expect(lines.sort().join('')).toMatchFileSnapshot('validation-texts.tsv');
});
