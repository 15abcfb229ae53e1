import { type ReactNode, useState } from 'react';
import { messageOf } from '../api/failure.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

export interface ConfirmProps {
  readonly title: string;
  /** What will happen, with the count. */
  readonly children: ReactNode;
  readonly confirm: string;
  readonly destroys?: boolean;
  /** Must be typed where much is lost: the name of a queue. */
  readonly typed?: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before something happens, and shows the failure in place. */
export function Confirm({ title, children, confirm, destroys = false, typed, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <div>{children}</div>
        {typed !== undefined && (
          <label className="field">
            <span>
              Type <code>{typed}</code> to confirm
            </span>
            <input
              value={text}
              onChange={({ target }) => setText(target.value)}
              autoComplete="off"
              spellCheck={false}
            />
          </label>
        )}
        {problem !== null && (
          <p className="failure" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            kind={destroys ? 'destroy' : 'primary'}
            disabled={busy || (typed !== undefined && text !== typed)}
          >
            {busy ? 'Working…' : confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
