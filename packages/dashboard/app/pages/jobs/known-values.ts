import { isPayload, parsePlace, QueryError } from '@ojs-ts/core/query';
import { useCall } from '../../api/calls.ts';
import { useMay, useSession } from '../../api/session.ts';
import { stringify } from '../../json/numeral.ts';
import type { Known, Place } from './completion.ts';

const none: Known['values'] = [];

/** The values that the newest jobs have in the field at the caret. */
export function useKnownValues(place: Place, isOpen: boolean): Known['values'] {
  const may = useMay('admin.jobGroups');
  const { sees_arguments } = useSession();
  const by = place.kind === 'value' ? countedBy(place.name, sees_arguments) : null;
  const { data } = useCall('admin.jobGroups', {
    query: { by: by ?? '', limit: 50 },
    enabled: may && isOpen && by !== null,
    keepLast: false,
  });
  if (by === null || data === undefined) return none;
  return data.groups.flatMap(({ value, count, digest }) =>
    digest === undefined ? [{ text: typeof value === 'string' ? value : stringify(value), count }] : [],
  );
}

/** Null for a field whose values the server does not count, or not for this caller. */
function countedBy(name: string, seesArguments: boolean): string | null {
  try {
    const place = parsePlace(name);
    const { field, path } = place;
    if (field === 'state' || field === 'dead' || field === 'id' || field === 'unique') return null;
    if (isPayload(place) && (!seesArguments || path.length === 0)) return null;
    return name;
  } catch (error) {
    if (error instanceof QueryError) return null;
    throw error;
  }
}
