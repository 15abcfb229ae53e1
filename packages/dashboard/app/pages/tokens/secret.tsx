import type { IssuedToken } from '@ojs-ts/core/schemas';
import { Button } from '../../ui/button.tsx';
import { copyText } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Time } from '../../ui/time.tsx';

/** Shown once: the server keeps only a hash. */
export function Secret({ issued, onClose }: { readonly issued: IssuedToken; readonly onClose: () => void }) {
  const { token, secret } = issued;
  return (
    <Dialog title={`Secret of ${token.name}`} onClose={onClose}>
      <p>Copy it now. The server keeps only a hash, and never shows it again.</p>
      <pre className="json">
        <code>{secret}</code>
      </pre>
      {token.previous_until !== null && (
        <p>
          The old secret is valid too. It ends <Time at={token.previous_until} />.
        </p>
      )}
      <div className="dialog-foot">
        <Button onClick={() => void copyText(secret, 'the secret')}>Copy</Button>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}
