import type { ClaimBatch, ClaimRun } from './claim-batch.ts';
import type { HeadRows, QueueHeads } from './queue-head.ts';
import { readReady } from './ready-job.ts';

/** Claims from a queue without limits, first the rows that were read ahead. */
export async function claimUnlimited(
  batch: ClaimBatch,
  run: ClaimRun,
  heads: QueueHeads,
  queue: string,
  readAhead: HeadRows | null,
): Promise<void> {
  for (let read = readAhead, goesOn = true; goesOn && run.wanted > 0 && !batch.bytes.isFull; read = null) {
    const head = await heads.complete(batch.tx, queue, read ?? (await heads.read(batch.tx, queue, run.wanted)));
    const taken: { readonly priority: number; readonly place: number }[] = [];
    goesOn = head.rows.length === head.asked;
    for (const cells of head.rows) {
      if (run.wanted === 0) break;
      const ready = readReady(cells);
      const { place } = ready;
      const { priority } = ready.held.job;
      if (batch.take(run, ready) !== 'refused') {
        taken.push({ priority, place });
        continue;
      }
      goesOn = false;
      break;
    }
    heads.took(queue, head, taken);
    batch.write();
  }
}
