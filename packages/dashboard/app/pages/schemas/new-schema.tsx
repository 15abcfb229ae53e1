import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { messageOf } from '../../api/failure.ts';
import { parse } from '../../json/numeral.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';

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
  const [problem, setProblem] = useState<string | null>(null);
  const register = useAction('schema.register', {
    changes: ['schema.list'],
    done: `Registered the schema of ${type}.`,
    onDone: onClose,
  });
  const send = (): void => {
    try {
      parse(text);
    } catch (error) {
      setProblem(`The schema is not JSON: ${messageOf(error)}`);
      return;
    }
    const number = /^\d{1,9}$/.test(version) ? version : JSON.stringify(version);
    // The text of the schema goes as it was written.
    const body = `{"type":${JSON.stringify(type)},"version":${number},"mode":${JSON.stringify(mode)},"schema":${text}}`;
    register.mutate({ body }, { onError: (error) => setProblem(messageOf(error)) });
  };
  return (
    <Dialog title="New schema" size="wide" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
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
        <Field label="JSON Schema of the arguments" hint="Arguments are an array.">
          <textarea
            className="mono"
            rows={12}
            value={text}
            onChange={({ target }) => setText(target.value)}
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
          <Button type="submit" kind="primary" disabled={register.isPending}>
            Register
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
