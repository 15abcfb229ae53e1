import { isObject, ProtocolError, readJson } from '@ojs-ts/core';
import { type Shape, type UnknownMember, unknownMembers, type Warning, warningOf } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import { requests, schemaOf, shapeIn } from '@ojs-ts/core/schemas';

const shapes = new Map<OperationName, Shape>();

/** The members that the body of the operation may have; null where nothing here looks for unknown ones. */
export function bodyShape(operation: OperationName): Shape | null {
  if (requests[operation].body?.unknown === undefined) return null;
  const known = shapes.get(operation) ?? shapeIn(schemaOf(operation));
  if (known !== null) shapes.set(operation, known);
  return known;
}

const none: readonly Warning[] = [];

export interface CheckedBody {
  readonly warnings: readonly Warning[];
  /** The parsed body, so that the operation need not parse it again; undefined where it was not checked. */
  readonly value?: unknown;
}

/** The answer for a body that nothing here looks at. */
export const unchecked: CheckedBody = { warnings: none };

/**
 * Finds members that the operation does not have. A body that is no JSON object is left to the operation.
 * @throws ProtocolError `invalid_request` for members that are refused.
 */
export function checkBody(operation: OperationName, text: string | undefined): CheckedBody {
  const body = text === undefined || text === '' ? null : bodyShape(operation);
  if (body === null || text === undefined) return unchecked;
  const value = parsed(text);
  if (!isObject(value)) return unchecked;
  const found = unknownMembers(value, body, '$');
  const strictness = requests[operation].body?.unknown;
  const isRefused = ({ shape }: UnknownMember) => strictness === 'refuse' || (strictness === 'own' && shape === body);
  const refused = found.filter(isRefused);
  if (refused.length > 0)
    throw ProtocolError.invalid(refused.map((member) => warningOf(member, 'nothing was changed')));
  return { warnings: found.length === 0 ? none : found.map((member) => warningOf(member)), value };
}

function parsed(text: string): unknown {
  try {
    return readJson(text, 'The request body');
  } catch {
    return undefined;
  }
}
