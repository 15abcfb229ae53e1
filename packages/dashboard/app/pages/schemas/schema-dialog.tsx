import { readDocument } from '@ojs-ts/core/json';
import type { Schema } from '@ojs-ts/core/schemas';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAction } from '../../api/calls.ts';
import { callText } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { memberOf } from '../../json/document.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { JsonTree } from '../../ui/json-tree.tsx';
import { Loaded } from '../../ui/states.tsx';

export function SchemaDialog({ schema, onClose }: { readonly schema: Schema; readonly onClose: () => void }) {
  const { type, version } = schema;
  const params = { key: type, version: String(version) };
  const text = useQuery({
    queryKey: ['schema', params],
    queryFn: ({ signal }) => callText('schema.getVersionFlat', { params, signal }),
  });
  const mayDelete = useMay('schema.deleteVersion');
  const [isAsking, setAsking] = useState(false);
  const remove = useAction('schema.deleteVersion', { changes: ['schema.list'], done: `Deleted version ${version}.` });
  return (
    <Dialog title={`${type}, version ${version}`} size="wide" onClose={onClose}>
      <Loaded query={text}>
        {(document) => {
          const node = memberOf(readDocument(document), 'schema');
          return node === undefined ? null : <JsonTree node={node} label="JSON Schema" open={6} />;
        }}
      </Loaded>
      <div className="dialog-foot">
        {mayDelete && (
          <Button kind="danger" onClick={() => setAsking(true)}>
            Delete…
          </Button>
        )}
        <Button onClick={onClose}>Close</Button>
      </div>
      {isAsking && (
        <Confirm
          title={`Delete version ${version} of ${type}?`}
          confirm="Delete"
          destroys
          onConfirm={async () => {
            await remove.mutateAsync({ params });
            onClose();
          }}
          onClose={() => setAsking(false)}
        >
          Jobs that name this version are refused from then on. Others are checked by the newest version that is left.
        </Confirm>
      )}
    </Dialog>
  );
}
