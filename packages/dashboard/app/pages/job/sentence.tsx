import { Time } from '../../ui/time.tsx';

const special = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`]+`)/;

/** A sentence of the server: its times as the reader wants them, its commands as code. */
export function Sentence({ text }: { readonly text: string }) {
  return text.split(special).map((part, index) => {
    // A split by a group has the matches in the odd places.
    if (index % 2 === 0) return part;
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence have no other identity
    return part.startsWith('`') ? <code key={index}>{part.slice(1, -1)}</code> : <Time key={index} at={part} />;
  });
}
