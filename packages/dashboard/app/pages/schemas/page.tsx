import type { Schema } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { useSearchTexts } from '../../search.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyAs } from '../../ui/copy.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { NewSchema } from './new-schema.tsx';
import { SchemaDialog } from './schema-dialog.tsx';

export function Page() {
  const { search, change } = useSearchTexts();
  const schemas = useCall('schema.list', { query: { limit: 1_000 } });
  const mayRegister = useMay('schema.register');
  const [isNew, setNew] = useState(false);
  const opened = schemas.data?.items.find(({ uri }) => uri === search.uri);
  const columns: readonly Column<Schema>[] = [
    {
      id: 'type',
      label: 'Job type',
      align: 'clip',
      cell: ({ type, uri }) => (
        <Button size="small" kind="plain" onClick={() => change({ uri })}>
          {type}
        </Button>
      ),
    },
    { id: 'version', label: 'Version', cell: ({ version }) => String(version) },
    { id: 'mode', label: 'Mode', cell: ({ mode }) => <Badge tone={mode === 'strict' ? 'info' : 'mute'}>{mode}</Badge> },
    { id: 'uri', label: 'URI', align: 'clip', cell: ({ uri }) => <code>{uri}</code> },
  ];
  return (
    <Frame
      title="Schemas"
      lead="JSON Schemas for the arguments of job types. The server checks each job at its enqueue."
      actions={
        <>
          {mayRegister && <Button onClick={() => setNew(true)}>New schema</Button>}
          <CopyAs operation="schema.list" options={{}} command="schemas list" code="await admin.listSchemas();" />
        </>
      }
    >
      <Loaded query={schemas}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No schema yet">
              <p>
                Without a schema the server accepts any arguments. Register a JSON Schema for a job type to check them.
              </p>
            </Empty>
          ) : (
            <DataTable label="Schemas" rows={items} columns={columns} idOf={({ uri }) => uri} />
          )
        }
      </Loaded>
      {isNew && <NewSchema onClose={() => setNew(false)} />}
      {opened && <SchemaDialog schema={opened} onClose={() => change({ uri: undefined })} />}
    </Frame>
  );
}
