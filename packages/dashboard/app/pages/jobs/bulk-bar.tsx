import { useMay, useSession } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button } from '../../ui/index.ts';
import { Menu } from '../../ui/menu.tsx';
import { changeFieldsOf, type ListAction, listActions, wordsOf } from '../bulk/actions.ts';

/** The actions that the caller may start. */
function useListActions(): readonly ListAction[] {
  const { rights } = useSession();
  const may = useMay('bulk.start');
  if (!may) return [];
  return listActions.filter((action) => action !== 'delete' || rights.includes('purge'));
}

export interface BulkBarProps {
  readonly count: number;
  /** How many jobs match, such as `1,000+`. */
  readonly total: string;
  readonly onAction: (action: ListAction, all: boolean) => void;
  readonly onClear: () => void;
}

/** The actions for the chosen rows, or for all jobs that match. */
export function BulkBar({ count, total, onAction, onClear }: BulkBarProps) {
  const actions = useListActions();
  const direct = actions.filter((action) => changeFieldsOf(action).length === 0);
  const others = actions.filter((action) => !direct.includes(action));
  const changes = others.map((action) => ({ label: `${wordsOf(action).verb}…`, run: () => onAction(action, false) }));
  return (
    <section className="bulk-bar" aria-label="Chosen jobs">
      <strong aria-live="polite">{formatCount(count)} chosen</strong>
      {direct.map((action) => (
        <Button
          key={action}
          size="small"
          kind={action === 'delete' ? 'danger' : 'default'}
          onClick={() => onAction(action, false)}
        >
          {wordsOf(action).verb}
        </Button>
      ))}
      {changes.length > 0 && <Menu label="Change" size="small" items={changes} />}
      <AllMenu label={`All ${total} that match`} onAction={(action) => onAction(action, true)} />
      <Button size="small" kind="plain" onClick={onClear}>
        Clear
      </Button>
    </section>
  );
}

interface AllMenuProps {
  readonly label: string;
  readonly onAction: (action: ListAction) => void;
}

export function AllMenu({ label, onAction }: AllMenuProps) {
  const actions = useListActions();
  if (actions.length === 0) return null;
  const items = actions.map((action) => ({
    label: `${wordsOf(action).verb}…`,
    run: () => onAction(action),
    ...(action === 'delete' && { kind: 'danger' as const }),
  }));
  return <Menu label={label} size="small" items={items} />;
}
