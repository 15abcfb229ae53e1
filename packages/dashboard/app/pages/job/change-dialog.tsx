import { uuidv7 } from '@ojs-ts/core';
import { readDocument } from '@ojs-ts/core/json';
import { type FormEvent, useState } from 'react';
import { useSession } from '../../api/session.ts';
import { prettyOf } from '../../json/document.ts';
import { problemOf } from '../../json/problem.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Failure } from '../../ui/states.tsx';
import { ChangeFields } from './change-fields.tsx';
import { bodyOf, changedMembers, editFields, type Fields, fieldsOf, rerunFields, unchanged } from './changes.ts';
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

/** The job at the time when the dialog opened; only fields that the reader changes are sent. */
export function ChangeDialog({ kind, document, onClose, onDone }: ChangeDialogProps) {
  const { sees_arguments: seesArguments } = useSession();
  const [opened] = useState(() => openedWith(kind, document, seesArguments));
  const { before, job, veiled } = opened;
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
  return (
    <Dialog title={isEdit ? `Edit ${job.type}` : `Run ${job.type} again`} size="wide" onClose={onClose}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <p className="soft">
          {isEdit
            ? 'Only what you change is sent. The server refuses the edit if the job has started meanwhile.'
            : 'The server makes a new job with these values. The old job stays as it is.'}
        </p>
        <ChangeFields
          fields={fields}
          names={(isEdit ? editFields : rerunFields).filter((name) => name !== 'start' || job.state !== 'available')}
          veiled={veiled}
          onChange={set}
        />
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
  const veiled: readonly ('args' | 'meta')[] = [
    ...(isVeiled(args, seesArguments) ? (['args'] as const) : []),
    ...(isVeiled(meta, true) ? (['meta'] as const) : []),
  ];
  return { before, job, veiled, key: uuidv7() };
}

function idOf(answer: string, otherwise: string): string {
  const { id = otherwise }: { readonly id?: string } = JSON.parse(answer);
  return id;
}
