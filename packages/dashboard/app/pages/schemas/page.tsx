import type { Schema } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Badge, Button, CopyAs, Empty, Page as Frame, Loaded, Opener } from '../../ui/index.ts';
import { NewSchema, SchemaDialog } from './dialogs.tsx';

export function Page() {
  const { search, change } = useSearchTexts();
  const schemas = useCall('schema.list', { query: { limit: 1_000 } });
  const mayRegister = useMay('schema.register');
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
          {mayRegister && <Opener text="New schema">{(close) => <NewSchema onClose={close} />}</Opener>}
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
      {opened && <SchemaDialog schema={opened} onClose={() => change({ uri: undefined })} />}
    </Frame>
  );
}
