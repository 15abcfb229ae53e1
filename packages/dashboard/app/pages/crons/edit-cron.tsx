import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Cron } from '../../api/answers/crons.ts';
import { useAction } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { localZone } from '../../format/times.ts';
import { parse, stringify } from '../../json/numeral.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
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
  const [problem, setProblem] = useState<string | null>(null);
  const save = useAction('cron.register', {
    changes: ['cron.list', 'cron.get', 'cron.runs'],
    done: `Saved ${name}.`,
    onDone: () => {
      onClose();
      void navigate({ to: '/crons/$name', params: { name } });
    },
  });
  const send = (): void => {
    try {
      parse(args);
    } catch (error) {
      setProblem(`The arguments are not JSON: ${messageOf(error)}`);
      return;
    }
    // Other settings of the options stay as they are; the text of the arguments goes as it was written.
    const options = stringify({ ...cron?.options, ...(queue !== '' && { queue }) });
    const template = `{"type":${JSON.stringify(type)},"args":${args},"options":${options}}`;
    const head = stringify({ name, cron: expression, timezone }).slice(0, -1);
    save.mutate({ body: `${head},"job_template":${template}}` }, { onError: (error) => setProblem(messageOf(error)) });
  };
  return (
    <Dialog title={cron === undefined ? 'New cron' : `Change ${cron.name}`} size="wide" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
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
        <Field label="Arguments" hint="A JSON array.">
          <textarea
            className="mono"
            rows={3}
            value={args}
            onChange={({ target }) => setArgs(target.value)}
            spellCheck={false}
          />
        </Field>
        {problem !== null && (
          <p className="failure" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
