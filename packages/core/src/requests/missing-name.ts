/** A change of a queue or a limit that does not exist, for the server and the fake of `@ojs-ts/sdk/testing`. */
import type { Warning } from '../envelope/unknown-members.ts';
import { ProtocolError } from '../errors.ts';
import { notFound } from '../not-found.ts';
import { nearestName } from '../suggestion.ts';
import type { Query } from './pages.ts';

/**
 * A change creates what is missing, as the specification has it. A misspelled name would create something that is never
 * used, so the answer warns and names the nearest one. With `create=false`, which clients for people send, the call is
 * refused instead. `create=true` says that the name is meant, so there is no warning.
 * @param known names to compare with
 * @throws ProtocolError `not_found`; `invalid_request` for another value of `create`
 */
export function missingName(
  what: 'queue' | 'limit',
  name: string,
  { create }: Query,
  known: Iterable<string>,
): readonly Warning[] {
  if (create === 'true') return [];
  if (create !== undefined && create !== 'false')
    throw ProtocolError.invalid([{ path: 'query.create', message: 'must be true or false' }]);
  const shown = name.slice(0, 255);
  const suggestion = nearestName(name, known) ?? null;
  const advice = suggestion === null ? '' : ` Did you mean ${suggestion}?`;
  const member = what === 'queue' ? 'name' : 'key';
  if (create === undefined)
    return [{ path: member, message: `there was no ${what} ${shown}, so this call created it.${advice}`, suggestion }];
  const details = { [what === 'queue' ? 'queue' : 'key']: shown, suggestion };
  const message = `There is no ${what} ${shown}, and nothing was changed.${advice}`;
  throw new ProtocolError('not_found', message, details, notFound(what, name).hint);
}
