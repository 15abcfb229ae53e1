import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { FormDialog, TextField } from '../../ui/index.ts';

export function NewQueue({ named = '', onClose }: { readonly named?: string; readonly onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState(named);
  const create = useAction('queue.create', {
    done: `Created queue ${name}.`,
    changes: ['admin.queues', 'admin.queue'],
    onDone: () => void navigate({ to: '/queues/$name', params: { name } }),
  });
  return (
    <FormDialog
      title="New queue"
      submit="Create"
      onSubmit={() => create.mutateAsync({ body: { name } })}
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="Lower-case letters, digits, dots, dashes and underscores."
        value={name}
        onChange={setName}
        required
        spellCheck={false}
      />
    </FormDialog>
  );
}
