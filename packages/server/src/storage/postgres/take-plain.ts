import { readReady, readyColumns } from './ready.ts';
import type { Dealt, Round } from './round.ts';
import type { Cells } from './row.ts';

/** The front of a line; who claims at the same time gets what is behind. */
export const front = `SELECT ${readyColumns} FROM ojs.jobs WHERE line = $1 AND place IS NOT NULL ORDER BY priority DESC, place LIMIT $2 FOR UPDATE SKIP LOCKED`;

/** What was read of the front of a queue, when so many rows were asked for. */
export interface Front {
  readonly asked: number;
  readonly rows: readonly Cells[];
}

/** Takes from a queue without limits, first what was read of it already. */
export async function takePlain(round: Round, dealt: Dealt, queue: string, read: Front | null): Promise<void> {
  for (let known = read, goesOn = true; goesOn && dealt.wanted > 0; known = null) {
    const asked = known?.asked ?? dealt.wanted;
    const rows = known?.rows ?? (await round.tx.query(front, [queue, asked]));
    goesOn = rows.length === asked;
    for (const cells of rows) {
      if (dealt.wanted === 0) break;
      if (round.take(dealt, readReady(cells).held) !== 'refused') continue;
      goesOn = false;
      break;
    }
    round.write();
  }
}
