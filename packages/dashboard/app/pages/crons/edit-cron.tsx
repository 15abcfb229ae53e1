import type { Cron } from '@ojs-ts/core/schemas';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { queueOf } from '../../format/cron.ts';
import { localZone } from '../../format/times.ts';
import { checkJson, JsonField } from '../../json/json-field.tsx';
import { stringify } from '../../json/numeral.ts';
import { Field, FormDialog, Select, TextField } from '../../ui/index.ts';
import { Preview } from './preview.tsx';

export interface EditCronProps {
  /** The one that is changed; a new one without. */
  readonly cron?: Cron;
  readonly onClose: () => void;
}

interface Draft {
  readonly name: string;
  readonly expression: string;
  readonly timezone: string;
  readonly overlap: string;
  readonly description: string;
  readonly type: string;
  /** Empty for the default one. */
  readonly queue: string;
  /** JSON text, which is sent unchanged. */
  readonly args: string;
}

const overlaps = ['skip', 'allow', 'cancel_previous', 'enqueue'];

/** Makes a cron or changes one, with its next runs before it is saved. */
export function EditCron({ cron, onClose }: EditCronProps) {
  const navigate = useNavigate();
  const [before] = useState(() => draftOf(cron));
  const [draft, setDraft] = useState(before);
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (text: string) => setDraft({ ...draft, [name]: text }),
    spellCheck: false,
  });
  const saved = {
    changes: ['cron.list', 'cron.get', 'cron.runs'],
    done: `Saved ${draft.name}.`,
    onDone: () => void navigate({ to: '/crons/$name', params: { name: draft.name } }),
  } as const;
  const register = useAction('cron.register', saved);
  const update = useAction('cron.update', saved);
  const send = async (): Promise<void> => {
    checkJson(draft.args, 'The list of arguments');
    const members = membersOf(draft);
    if (cron === undefined) {
      await register.mutateAsync({ body: objectOf([['name', JSON.stringify(draft.name)], ...members]) });
      return;
    }
    // Unchanged fields are not sent: the server keeps them, including a pause and other settings of the jobs.
    const old = new Map(membersOf(before));
    const changed = members.filter(([name, text]) => old.get(name) !== text);
    if (changed.length > 0) await update.mutateAsync({ params: { name: cron.name }, body: objectOf(changed) });
  };
  return (
    <FormDialog
      title={cron === undefined ? 'New cron' : `Change ${cron.name}`}
      size="wide"
      submit="Save"
      onSubmit={send}
      onClose={onClose}
    >
      {cron === undefined && <TextField {...field('name')} label="Name" required />}
      <div className="columns">
        <TextField
          {...field('expression')}
          label="Schedule"
          hint="A cron expression of five or six fields, or @every 15m."
          className="mono"
          required
        />
        <ZoneField {...field('timezone')} />
      </div>
      <Preview expression={draft.expression} timezone={draft.timezone} />
      <div className="columns">
        <TextField {...field('type')} label="Job type" required />
        <TextField {...field('queue')} label="Queue" hint="Empty for the default queue." />
      </div>
      <JsonField label="Arguments" hint="A JSON array." rows={3} {...field('args')} />
      <div className="columns">
        <Field label="Overlap" hint="What a run does if the run before it has not finished.">
          <Select {...field('overlap')} options={overlaps} />
        </Field>
        <TextField {...field('description')} label="Description" spellCheck />
      </div>
    </FormDialog>
  );
}

function draftOf(cron: Cron | undefined): Draft {
  return {
    name: cron?.name ?? '',
    expression: cron?.expression ?? '0 9 * * 1-5',
    timezone: cron?.timezone ?? localZone,
    overlap: cron?.overlap_policy ?? 'skip',
    description: cron?.description ?? '',
    type: cron?.type ?? '',
    queue: cron === undefined ? '' : queueOf(cron),
    args: stringify(cron?.args ?? []),
  };
}

/** Members of a registration or a change, as JSON texts. */
function membersOf({ expression, timezone, overlap, description, type, queue, args }: Draft): [string, string][] {
  const texts = { cron: expression, timezone, overlap_policy: overlap, description, type, queue: queue || 'default' };
  return [
    ...Object.entries(texts).map(([name, text]): [string, string] => [name, JSON.stringify(text)]),
    ['args', args],
  ];
}

function objectOf(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
}

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** A time zone, found by typing any part of its name. The server checks the name, because it may know more of them. */
function ZoneField({ value, onChange }: { readonly value: string; readonly onChange: (zone: string) => void }) {
  const list = useId();
  return (
    <>
      <TextField
        label="Time zone"
        hint="Type a city, such as Berlin."
        list={list}
        value={value}
        onChange={onChange}
        required
        spellCheck={false}
      />
      <datalist id={list}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
