import { type ReactNode, useState } from 'react';
import { Opener, type OpenerProps } from './dialog.tsx';
import { FormDialog } from './form-dialog.tsx';

export interface ConfirmProps {
  readonly title: string;
  /** The effect of the action, with the count. */
  readonly children: ReactNode;
  readonly confirm: string;
  readonly destroys?: boolean;
  /** Must be typed where much is lost: the name of a queue. */
  readonly typed?: string | undefined;
  /** False while something is missing. */
  readonly isReady?: boolean;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before something happens, and shows the failure in place. */
export function Confirm(props: ConfirmProps) {
  const { title, children, confirm, destroys = false, typed, isReady = true, onConfirm, onClose } = props;
  const [text, setText] = useState('');
  return (
    <FormDialog
      title={title}
      submit={confirm}
      kind={destroys ? 'destroy' : 'primary'}
      isReady={isReady && (typed === undefined || text === typed)}
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

type ConfirmButtonProps = Omit<ConfirmProps, 'onClose'> &
  Pick<OpenerProps, 'text' | 'shown' | 'kind' | 'size' | 'aria-label'>;

/** A button that asks before it acts. */
export function ConfirmButton({ text, shown, kind, size, 'aria-label': name, ...asked }: ConfirmButtonProps) {
  return (
    <Opener text={text} {...(shown !== undefined && { shown })} kind={kind} size={size} aria-label={name}>
      {(close) => <Confirm {...asked} onClose={close} />}
    </Opener>
  );
}
