import { ProtocolError } from '@ojs-ts/core';
import type { Warning } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import { checkBody } from '../../src/binding/body-members.ts';
import { checkQuery } from '../../src/binding/query-parameters.ts';

/** The answer to a query parameter of this name, or to this body, as one line. */
export function outcomeOf(operation: OperationName, part: 'query' | 'body', sent: string): string {
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
