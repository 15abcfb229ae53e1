import { readDocument } from '@ojs-ts/core/json';
import { type ReactNode, useMemo } from 'react';
import { useSession } from '../../api/session.ts';
import { formatBytes } from '../../format/numbers.ts';
import { Card } from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';

export interface PayloadProps {
  readonly title: string;
  /** JSON as the server sent it. */
  readonly text: string;
  /** True if a caller without the right `payload` gets something else in its place. */
  readonly isPayload?: boolean;
  readonly note?: ReactNode;
}

/** In characters: of a larger document only the first level is open at first. */
const large = 20_000;
const redacted = '"[redacted]"';

/** A document of the user, every literal unchanged, or a note that the caller may not see it. */
export function Payload({ title, text, isPayload = true, note }: PayloadProps) {
  const { sees_arguments: seesArguments } = useSession();
  const node = useMemo(() => readDocument(text), [text]);
  const isHidden = isPayload && !seesArguments;
  return (
    <Card title={title} note={note ?? (!isHidden && text.length > 1_024 && formatBytes(text.length))}>
      {isHidden ? (
        <p className="soft">
          Hidden: your token does not have the right <code>payload</code>.
        </p>
      ) : (
        <>
          <JsonTree node={node} label={title} open={text.length > large ? 1 : 3} />
          {text.includes(redacted) && (
            <p className="soft small">
              Your token may not see the values shown as <code>[redacted]</code>.
            </p>
          )}
        </>
      )}
    </Card>
  );
}

/** Reports whether an edit would write the text that only replaces a hidden value. */
export function isVeiled(text: string, seesArguments: boolean): boolean {
  return !seesArguments || text.includes(redacted);
}
