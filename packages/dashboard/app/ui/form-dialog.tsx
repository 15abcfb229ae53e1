import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Failure } from './states.tsx';

export interface FormDialogProps {
  readonly title: string;
  readonly size?: 'default' | 'wide' | undefined;
  /** On the button that sends. */
  readonly submit: string;
  readonly kind?: 'primary' | 'destroy';
  readonly isReady?: boolean;
  /** A failure is shown in the dialog, which stays open. */
  readonly onSubmit: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A form over the page; it closes when what it sends has worked. */
export function FormDialog(props: FormDialogProps) {
  const { title, size, submit, kind = 'primary', isReady = true, onSubmit, onClose, children } = props;
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const run = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      await onSubmit();
      onClose();
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} size={size} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {children}
        {failure !== null && <Failure error={failure} />}
        <div className="dialog-foot">
          {/* Two buttons that begin with Cancel could be taken for each other. */}
          <Button onClick={onClose}>{submit.startsWith('Cancel') ? 'Back' : 'Cancel'}</Button>
          <Button type="submit" kind={kind} disabled={!isReady} busy={busy}>
            {busy ? 'Working…' : submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
