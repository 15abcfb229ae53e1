import { httpTransport } from '@ojs-ts/sdk';

/** Jobs that failed for good with such an error. @param after what becomes of them. */
export async function fail(
  url: string,
  count: number,
  type: string,
  after: 'discard' | 'dead_letter' = 'discard',
): Promise<void> {
  await using server = httpTransport(url);
  const post = async (operation: 'bulk.enqueue' | 'worker.fetch' | 'worker.nack', body: object) => {
    const { status, text } = await server.call({ operation, body: JSON.stringify(body) });
    if (status >= 400) throw new Error(text);
    return JSON.parse(text);
  };
  const queue = `failing-${type.toLowerCase()}`;
  const options = { queue, retry: { max_attempts: 1, on_exhaustion: after } };
  await post('bulk.enqueue', {
    jobs: Array.from({ length: count }, () => ({ type: 'failing.job', args: [], options })),
  });
  const { jobs } = await post('worker.fetch', { queues: [queue], count, worker_id: 'failing' });
  for (const { id } of jobs) await post('worker.nack', { job_id: id, error: { type, message: `${type}: it failed` } });
}
