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
  // One fetch has 100 jobs at most.
  for (let left = count; left > 0; ) {
    const { jobs } = await post('worker.fetch', { queues: [queue], count: left, worker_id: 'failing' });
    if (jobs.length === 0) throw new Error(`${left} jobs of ${queue} are not to be had.`);
    for (const { id } of jobs)
      await post('worker.nack', { job_id: id, error: { type, message: `${type}: it failed` } });
    left -= jobs.length;
  }
}
