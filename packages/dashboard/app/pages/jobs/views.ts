import { isRecord } from '../../json/numeral.ts';
import { keep, useKept } from '../../kept.ts';

/** A query with its columns under a name. The address has both, so a view is shared by its link. */
export interface View {
  readonly name: string;
  readonly q: string;
  /** As in the address; empty for the reader's own. */
  readonly columns: string;
}

export const builtIn: readonly View[] = [
  { name: 'All', q: '', columns: '' },
  { name: 'Failing', q: 'state:failed', columns: '' },
  { name: 'Waiting', q: 'state:available,pending', columns: '' },
  { name: 'Running', q: 'state:running', columns: '' },
  { name: 'Scheduled', q: 'state:scheduled', columns: '' },
  { name: 'Ended', q: 'state:finished', columns: '' },
];

const key = 'ojs-job-views';

function isView(value: unknown): value is View {
  return isRecord(value) && [value.name, value.q, value.columns].every((one) => typeof one === 'string');
}

export function useSavedViews(): {
  readonly views: readonly View[];
  /** In place of one with the same name. */
  readonly save: (view: View) => void;
  readonly remove: (name: string) => void;
} {
  const kept = useKept(key);
  const views = Array.isArray(kept) ? kept.filter(isView) : [];
  return {
    views,
    save: (view) => keep(key, [...views.filter(({ name }) => name !== view.name), view]),
    remove: (name) =>
      keep(
        key,
        views.filter((view) => view.name !== name),
      ),
  };
}
