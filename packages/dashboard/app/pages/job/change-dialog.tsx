import { uuidv7 } from '@ojs-ts/core';
import { type FormEvent, useState } from 'react';
import { useSession } from '../../api/session.ts';
import { prettyOf, readDocument } from '../../json/document.ts';
import { problemOf } from '../../json/problem.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { JsonEditor } from '../../ui/json-editor.tsx';
import { Failure } from '../../ui/states.tsx';
import { bodyOf, changedMembers, type Fields, fieldsOf, unchanged } from './changes.ts';
import type { JobDocument } from './job.ts';
import { useJobCall } from './job-call.ts';
import { isVeiled } from './payload.tsx';

export interface ChangeDialogProps {
  /** `edit` changes a job that waits; `rerun` makes a new job of one that has ended. */
  readonly kind: 'edit' | 'rerun';
  readonly document: JobDocument;
  readonly onClose: () => void;
  /** The job to look at afterwards. */
  readonly onDone: (id: string) => void;
}

/** The job as it was when the dialog opened; only what the reader changes is sent. */
export function ChangeDialog({ kind, document, onClose, onDone }: ChangeDialogProps) {
  const { sees_arguments: seesArguments } = useSession();
  const [opened] = useState(() => openedWith(kind, document, seesArguments));
  const { before, job, hidesArgs, hidesMeta } = opened;
  const [fields, setFields] = useState(before);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const { run } = useJobCall(job.id);
  const isEdit = kind === 'edit';
  const set = (change: Partial<Fields>): void => setFields((last) => ({ ...last, ...change }));
  const changed = changedMembers(before, fields);
  const isWrong = problemOf(fields.args) !== null || problemOf(fields.meta) !== null;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const answer = await run({
        operation: isEdit ? 'job.edit' : 'job.rerun',
        params: { id: job.id },
        body: bodyOf(isEdit ? [...changed, unchanged(job)] : changed),
        idempotencyKey: opened.key,
        done: isEdit ? 'The job is changed.' : 'A new job is enqueued.',
      });
      onDone(idOf(answer, job.id));
    } catch (error) {
      setFailure(error);
      // A repeated call with this key would get the same refusal.
      opened.key = uuidv7();
      setBusy(false);
    }
  };
  const text = (name: keyof Fields) => ({
    value: fields[name],
    spellCheck: false,
    autoComplete: 'off',
    onChange: ({ target }: { readonly target: HTMLInputElement }) => set({ [name]: target.value }),
  });
  return (
    <Dialog title={isEdit ? `Edit ${job.type}` : `Run ${job.type} again`} size="wide" onClose={onClose}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <p className="soft">
          {isEdit
            ? 'Only what you change is sent. The server refuses the edit if the job has started meanwhile.'
            : 'The server makes a new job with these values. The old job stays as it is.'}
        </p>
        {hidesArgs ? (
          <p>Your token does not show all arguments, so they stay as they are.</p>
        ) : (
          <JsonEditor label="Arguments" value={fields.args} onChange={(args) => set({ args })} />
        )}
        {hidesMeta ? (
          <p>Your token does not show all of meta, so it stays as it is.</p>
        ) : (
          <JsonEditor
            label="Meta"
            value={fields.meta}
            hint="Members replace those of the same name. A member that you leave out stays."
            onChange={(meta) => set({ meta })}
          />
        )}
        <div className="form-grid">
          {!isEdit && (
            <Field label="Queue">
              <input {...text('queue')} />
            </Field>
          )}
          <Field label="Priority" hint="−100 to 100; a higher one starts first">
            <input inputMode="numeric" {...text('priority')} />
          </Field>
          {job.state !== 'available' && (
            <Field label="Starts at" hint="now, +PT10M, or a time such as 2026-01-31T09:00:00Z">
              <input {...text('start')} />
            </Field>
          )}
          <Field label="Tags" hint="Separated by commas">
            <input {...text('tags')} />
          </Field>
          <Field label="Timeout (ms)" hint="Of one attempt">
            <input inputMode="numeric" {...text('timeout')} />
          </Field>
          <Field label="Attempts" hint="At most, retries included">
            <input inputMode="numeric" {...text('maxAttempts')} />
          </Field>
        </div>
        {failure !== null && <Failure error={failure} />}
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={isWrong || (isEdit && changed.length === 0)} busy={busy}>
            {busy ? 'Working…' : isEdit ? 'Save changes' : 'Run again'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function openedWith(kind: 'edit' | 'rerun', { job, parts }: JobDocument, seesArguments: boolean) {
  const args = parts.get('args') ?? '[]';
  // A new job starts at once, whenever the old one did.
  const start = kind === 'edit' ? (job.scheduled_at ?? '') : '';
  const meta = parts.get('meta') ?? '{}';
  const before = fieldsOf(job, prettyOf(readDocument(args)), prettyOf(readDocument(meta)), start);
  const hidesMeta = isVeiled(meta, true);
  return { before, job, hidesArgs: isVeiled(args, seesArguments), hidesMeta, key: uuidv7() };
}

function idOf(answer: string, otherwise: string): string {
  const { id = otherwise }: { readonly id?: string } = JSON.parse(answer);
  return id;
}
