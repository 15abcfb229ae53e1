import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { checkJson, JsonField } from '../../json/json-field.tsx';
import { Field } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';

const example = `{
  "type": "array",
  "prefixItems": [{ "type": "string", "format": "email" }],
  "minItems": 1
}`;
const modes = ['strict', 'warn', 'off'] as const;

export function NewSchema({ onClose }: { readonly onClose: () => void }) {
  const [type, setType] = useState('');
  const [version, setVersion] = useState('1');
  const [mode, setMode] = useState<string>('strict');
  const [text, setText] = useState(example);
  const register = useAction('schema.register', {
    changes: ['schema.list'],
    done: `Registered the schema of ${type}.`,
  });
  const send = async (): Promise<void> => {
    checkJson(text, 'The schema');
    const number = /^\d{1,9}$/.test(version) ? version : JSON.stringify(version);
    // The text of the schema is sent unchanged.
    const body = `{"type":${JSON.stringify(type)},"version":${number},"mode":${JSON.stringify(mode)},"schema":${text}}`;
    await register.mutateAsync({ body });
  };
  return (
    <FormDialog title="New schema" size="wide" submit="Register" onSubmit={send} onClose={onClose}>
      <Field label="Job type">
        <input value={type} onChange={({ target }) => setType(target.value)} required spellCheck={false} />
      </Field>
      <Field label="Version" hint="A whole number, or a semantic version.">
        <input value={version} onChange={({ target }) => setVersion(target.value)} required />
      </Field>
      <Field label="Mode">
        <select value={mode} onChange={({ target }) => setMode(target.value)}>
          {modes.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
      <JsonField
        label="JSON Schema of the arguments"
        hint="Arguments are an array."
        rows={12}
        value={text}
        onChange={setText}
      />
    </FormDialog>
  );
}
