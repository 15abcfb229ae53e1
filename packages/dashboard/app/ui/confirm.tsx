import { type ReactNode, useState } from 'react';
import { FormDialog } from './form-dialog.tsx';

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
  return (
    <FormDialog
      title={title}
      submit={confirm}
      kind={destroys ? 'destroy' : 'primary'}
      isReady={typed === undefined || text === typed}
      onSubmit={onConfirm}
      onClose={onClose}
    >
      <div>{children}</div>
      {typed !== undefined && (
        <label className="field">
          <span>
            Type <code>{typed}</code> to confirm
          </span>
          <input value={text} onChange={({ target }) => setText(target.value)} autoComplete="off" spellCheck={false} />
        </label>
      )}
    </FormDialog>
  );
}
