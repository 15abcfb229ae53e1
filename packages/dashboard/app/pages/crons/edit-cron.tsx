import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Cron } from '../../api/answers/crons.ts';
import { useAction } from '../../api/calls.ts';
import { localZone } from '../../format/times.ts';
import { checkJson, JsonField } from '../../json/json-field.tsx';
import { stringify } from '../../json/numeral.ts';
import { Field } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { Preview } from './preview.tsx';

export interface EditCronProps {
  /** The one that is replaced; a new one without. */
  readonly cron?: Cron;
  readonly onClose: () => void;
}

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** Makes a cron or changes one, with its next runs before it is saved. */
export function EditCron({ cron, onClose }: EditCronProps) {
  const navigate = useNavigate();
  const [name, setName] = useState(cron?.name ?? '');
  const [expression, setExpression] = useState(cron?.expression ?? '0 9 * * 1-5');
  const [timezone, setTimezone] = useState(cron?.timezone ?? localZone);
  const [type, setType] = useState(cron?.type ?? '');
  const [queue, setQueue] = useState(cron?.options?.queue ?? '');
  const [args, setArgs] = useState(stringify(cron?.args ?? []));
  const save = useAction('cron.register', {
    changes: ['cron.list', 'cron.get', 'cron.runs'],
    done: `Saved ${name}.`,
    onDone: () => void navigate({ to: '/crons/$name', params: { name } }),
  });
  const send = async (): Promise<void> => {
    checkJson(args, 'The list of arguments');
    // Other settings of the options stay as they are; the text of the arguments goes as it was written.
    const options = stringify({ ...cron?.options, ...(queue !== '' && { queue }) });
    const template = `{"type":${JSON.stringify(type)},"args":${args},"options":${options}}`;
    const head = stringify({ name, cron: expression, timezone }).slice(0, -1);
    await save.mutateAsync({ body: `${head},"job_template":${template}}` });
  };
  return (
    <FormDialog
      title={cron === undefined ? 'New cron' : `Change ${cron.name}`}
      size="wide"
      submit="Save"
      onSubmit={send}
      onClose={onClose}
    >
      {cron === undefined && (
        <Field label="Name">
          <input value={name} onChange={({ target }) => setName(target.value)} required spellCheck={false} />
        </Field>
      )}
      <div className="columns">
        <Field label="Schedule" hint="A cron expression of five or six fields, or @every PT15M.">
          <input
            className="mono"
            value={expression}
            onChange={({ target }) => setExpression(target.value)}
            required
            spellCheck={false}
          />
        </Field>
        <Field label="Time zone">
          <select value={timezone} onChange={({ target }) => setTimezone(target.value)}>
            {[...new Set([timezone, ...zones])].map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </select>
        </Field>
      </div>
      <Preview expression={expression} timezone={timezone} />
      <div className="columns">
        <Field label="Job type">
          <input value={type} onChange={({ target }) => setType(target.value)} required spellCheck={false} />
        </Field>
        <Field label="Queue" hint="Empty for the default queue.">
          <input value={queue} onChange={({ target }) => setQueue(target.value)} spellCheck={false} />
        </Field>
      </div>
      <JsonField label="Arguments" hint="A JSON array." rows={3} value={args} onChange={setArgs} />
    </FormDialog>
  );
}
