import { readDocument } from '@ojs-ts/core/json';
import type { Schema } from '@ojs-ts/core/schemas';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { callText } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { memberOf } from '../../json/document.ts';
import { checkJson, JsonField } from '../../json/json-field.tsx';
import { Button, ConfirmButton, Dialog, Field, FormDialog, Loaded, Select, TextField } from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';

const example = `{
  "type": "array",
  "prefixItems": [{ "type": "string", "format": "email" }],
  "minItems": 1
}`;

export function NewSchema({ onClose }: { readonly onClose: () => void }) {
  const [type, setType] = useState('');
  const [version, setVersion] = useState('1');
  const [mode, setMode] = useState('strict');
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
      <TextField label="Job type" value={type} onChange={setType} required spellCheck={false} />
      <TextField
        label="Version"
        hint="A whole number, or a semantic version."
        value={version}
        onChange={setVersion}
        required
      />
      <Field label="Mode">
        <Select value={mode} onChange={setMode} options={['strict', 'warn', 'off']} />
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

export function SchemaDialog({ schema, onClose }: { readonly schema: Schema; readonly onClose: () => void }) {
  const { type, version } = schema;
  const params = { key: type, version: String(version) };
  const text = useQuery({
    queryKey: ['schema', params],
    queryFn: ({ signal }) => callText('schema.getVersionFlat', { params, signal }),
  });
  const mayDelete = useMay('schema.deleteVersion');
  const remove = useAction('schema.deleteVersion', { changes: ['schema.list'], done: `Deleted version ${version}.` });
  const foot = (
    <>
      <ConfirmButton
        shown={mayDelete}
        text="Delete…"
        kind="danger"
        title={`Delete version ${version} of ${type}?`}
        confirm="Delete"
        destroys
        onConfirm={async () => {
          await remove.mutateAsync({ params });
          onClose();
        }}
      >
        Jobs that name this version are refused from then on. Others are checked by the newest version that is left.
      </ConfirmButton>
      <Button onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog title={`${type}, version ${version}`} size="wide" onClose={onClose} foot={foot}>
      <Loaded query={text}>
        {(document) => {
          const node = memberOf(readDocument(document), 'schema');
          return node === undefined ? null : <JsonTree node={node} label="JSON Schema" open={6} />;
        }}
      </Loaded>
    </Dialog>
  );
}
