import { uuidv7 } from '@ojs-ts/core';
import { readDocument } from '@ojs-ts/core/json';
import { useState } from 'react';
import { useSession } from '../../api/session.ts';
import { prettyOf } from '../../json/document.ts';
import { problemOf } from '../../json/problem.ts';
import { FormDialog } from '../../ui/index.ts';
import { ChangeFields } from './change-fields.tsx';
import { bodyOf, changedMembers, editFields, fieldsOf, rerunFields, unchanged } from './changes.ts';
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
  const { run } = useJobCall(job.id);
  const isEdit = kind === 'edit';
  const changed = changedMembers(before, fields);
  const isWrong = problemOf(fields.args) !== null || problemOf(fields.meta) !== null;
  const submit = async (): Promise<void> => {
    try {
      const answer = await run({
        operation: isEdit ? 'job.edit' : 'job.rerun',
        params: { id: job.id },
        body: bodyOf(isEdit ? [...changed, unchanged(job)] : changed),
        idempotencyKey: opened.key,
        done: isEdit ? 'The job is changed.' : 'A new job is enqueued.',
      });
      const { id = job.id }: { readonly id?: string } = JSON.parse(answer);
      onDone(id);
    } catch (error) {
      // A repeated call with this key would get the same refusal.
      opened.key = uuidv7();
      throw error;
    }
  };
  return (
    <FormDialog
      title={isEdit ? `Edit ${job.type}` : `Run ${job.type} again`}
      size="wide"
      submit={isEdit ? 'Save changes' : 'Run again'}
      isReady={!isWrong && !(isEdit && changed.length === 0)}
      onSubmit={submit}
      onClose={onClose}
    >
      <p className="soft">
        {isEdit
          ? 'Only changed values are sent. The server refuses the edit if the job has started in the meantime.'
          : 'The server creates a new job with these values. The old job does not change.'}
      </p>
      <ChangeFields
        fields={fields}
        names={(isEdit ? editFields : rerunFields).filter((name) => name !== 'start' || job.state !== 'available')}
        veiled={veiled}
        onChange={(change) => setFields((last) => ({ ...last, ...change }))}
      />
    </FormDialog>
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
