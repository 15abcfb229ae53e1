import { formatAbsolute, formatRelative, localZone } from '../../format/times.ts';
import { usePreferences } from '../../shell/preferences.ts';
import { useNow } from '../../ui/time.tsx';

const special = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`]+`)/;

/** A sentence of the server: its times in the reader's zone, its commands as code. */
export function Sentence({ text }: { readonly text: string }) {
  return text.split(special).map((part, index) => {
    // A split by a group has the matches in the odd places.
    if (index % 2 === 0) return part;
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence have no other identity
    return part.startsWith('`') ? <code key={index}>{part.slice(1, -1)}</code> : <Moment key={index} at={part} />;
  });
}

/** Absolute first, because the sentence says "at" or "since" before it. */
function Moment({ at }: { readonly at: string }) {
  const { zone } = usePreferences();
  const now = useNow();
  const ms = Date.parse(at);
  return (
    <time dateTime={at}>
      {formatAbsolute(ms, zone === 'utc' ? 'UTC' : localZone)} ({formatRelative(ms, now)})
    </time>
  );
}
