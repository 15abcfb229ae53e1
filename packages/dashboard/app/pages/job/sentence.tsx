import { usePreferences } from '../../shell/preferences.ts';
import { Time } from '../../ui/time.tsx';

const special = /((?:\bat )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`]+`)/;

/** A sentence of the server: its times as the reader wants them, its commands as code. */
export function Sentence({ text }: { readonly text: string }) {
  const { times } = usePreferences();
  return text.split(special).map((part, index) => {
    // A split by a group has the matches in the odd places.
    if (index % 2 === 0) return part;
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence have no other identity
    if (part.startsWith('`')) return <code key={index}>{part.slice(1, -1)}</code>;
    // "at 3 minutes ago" is no English.
    const at = part.startsWith('at ') && times === 'absolute' ? 'at ' : '';
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: as above
      <span key={index}>
        {at}
        <Time at={part.replace('at ', '')} />
      </span>
    );
  });
}
