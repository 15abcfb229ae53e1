import { members } from '@ojs-ts/core';
import { useQuery } from '@tanstack/react-query';
import { callText } from '../../api/client.ts';
import { isMissing } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasJob, hasType } from '../../live/summary.ts';
import { Time } from '../../ui/index.ts';
import { Payload } from './payload.tsx';

/** The state that an execution saved for the next one; nothing without it. */
export function Checkpoint({ id }: { readonly id: string }) {
  const mayRead = useMay('job.checkpoint');
  const { data } = useQuery({
    queryKey: ['job.checkpoint', { id }, 'document'],
    queryFn: async ({ signal }) => {
      try {
        const parts = members(await callText('job.checkpoint', { params: { id }, signal }));
        const at: string = JSON.parse(parts.get('created_at') ?? 'null');
        return { state: parts.get('state') ?? 'null', sequence: parts.get('sequence') ?? '', at };
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    enabled: mayRead,
    meta: { live: (summary) => hasJob(summary, id) && hasType(summary, 'job.checkpointed', 'job.completed') },
  });
  if (data === undefined || data === null) return null;
  const note = (
    <>
      Number {data.sequence}, saved <Time at={data.at} />
    </>
  );
  return <Payload title="Checkpoint" text={data.state} note={note} />;
}
