import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';

export function NewQueue({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const create = useAction('queue.create', {
    done: `Created queue ${name}.`,
    changes: ['admin.queues'],
    onDone: () => void navigate({ to: '/queues/$name', params: { name } }),
  });
  return (
    <Dialog title="New queue" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ body: { name } }, { onError: (error) => setProblem(messageOf(error)) });
        }}
      >
        <Field label="Name" hint="Lower-case letters, digits, dots, dashes and underscores." problem={problem}>
          <input value={name} onChange={({ target }) => setName(target.value)} required spellCheck={false} />
        </Field>
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={create.isPending}>
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
