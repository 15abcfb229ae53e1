import { mayCall, useSession } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { groups } from './navigation.ts';

const common = [
  ['Ctrl K', 'Command palette'],
  ['/', 'Search on this page'],
  ['.', 'Read everything again'],
  ['?', 'This list'],
  ['↑ ↓', 'Move between the rows of a table'],
] as const;

export function ShortcutList({ onClose }: { readonly onClose: () => void }) {
  const session = useSession();
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="facts">
        {common.map(([keys, what]) => (
          <Shortcut key={keys} keys={keys} what={what} />
        ))}
        {groups.flatMap(({ places }) =>
          places
            .filter(({ needs }) => mayCall(session, needs))
            .map(({ label, key }) => <Shortcut key={key} keys={`g ${key}`} what={label} />),
        )}
      </dl>
      <div className="dialog-foot">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

function Shortcut({ keys, what }: { readonly keys: string; readonly what: string }) {
  return (
    <>
      <dt>
        <kbd>{keys}</kbd>
      </dt>
      <dd>{what}</dd>
    </>
  );
}
