import type { FrontRows, Fronts } from './front.ts';
import { readReady } from './ready.ts';
import type { Dealt, Round } from './round.ts';

/** Takes from a queue without limits, first what was read of it already. */
export async function takePlain(
  round: Round,
  dealt: Dealt,
  fronts: Fronts,
  queue: string,
  read: FrontRows | null,
): Promise<void> {
  for (let known = read, goesOn = true; goesOn && dealt.wanted > 0; known = null) {
    const found = await fronts.complete(round.tx, queue, known ?? (await fronts.read(round.tx, queue, dealt.wanted)));
    const taken: { readonly priority: number; readonly place: number }[] = [];
    goesOn = found.rows.length === found.asked;
    for (const cells of found.rows) {
      if (dealt.wanted === 0) break;
      const { held, place } = readReady(cells);
      const { priority } = held.job;
      if (round.take(dealt, held) !== 'refused') {
        taken.push({ priority, place });
        continue;
      }
      goesOn = false;
      break;
    }
    fronts.took(queue, found, taken);
    round.write();
  }
}
