import { readFileSync } from 'node:fs';
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from './validation-texts.ts';

interface Pin {
  readonly operation: OperationName;
  readonly part: 'query' | 'body';
  readonly sent: string;
  readonly outcome: string;
}

/** One line for a request: operation, part, name of a parameter or body, and the answer. */
const pins: readonly Pin[] = readFileSync(new URL('validation-texts.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [operation = '', part = '', sent = '', outcome = ''] = line.split('\t');
    return { operation, part, sent, outcome } as Pin;
  });

describe('the answer to a parameter or member that is unknown, misspelled or known', () => {
  test.each(operationNames)('%s', (name) => {
    const own = pins.filter(({ operation }) => operation === name);
    expect(own.map(({ part, sent }) => outcomeOf(name, part, sent))).toEqual(own.map(({ outcome }) => outcome));
    expect(own).not.toEqual([]);
  });
});
