import { mayCall, useSession } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Facts } from '../ui/page.tsx';
import { groups } from './navigation.ts';

const common = {
  'Ctrl K': 'Command palette',
  '/': 'Search on this page',
  '.': 'Read everything again',
  '?': 'This list',
  '↑ ↓': 'Move between the rows of a table',
};

export function ShortcutList({ onClose }: { readonly onClose: () => void }) {
  const session = useSession();
  const places = groups.flatMap((group) => group.places).filter(({ needs }) => mayCall(session, needs));
  const all = { ...common, ...Object.fromEntries(places.map(({ label, key }) => [`g ${key}`, label])) };
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} foot={<Button onClick={onClose}>Close</Button>}>
      <Facts name={(keys) => <kbd>{keys}</kbd>} of={all} />
    </Dialog>
  );
}
