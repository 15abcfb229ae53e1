import { elements } from '@ojs-ts/core';
import { Card } from '../../ui/page.tsx';
import { ErrorDetail } from './attempts.tsx';

/** What went wrong last, near the top; the attempts below have the others. */
export function LastError({ text }: { readonly text: string }) {
  const last = elements(text).at(-1);
  if (last === undefined) return null;
  return (
    <Card title="Last error">
      <ErrorDetail text={last} isOpen={false} />
    </Card>
  );
}
