import { isClaimedBefore, queueLimitKey } from '@ojs-ts/core';
import { texts } from './arrays.ts';
import { front } from './front.ts';
import type { Lane, Lanes } from './lanes.ts';
import type { Head } from './pages.ts';
import { type Ready, readReady, readyColumns } from './ready.ts';
import type { Dealt, Round } from './round.ts';
import { type Cells, integer, readTexts, text } from './row.ts';

const openGroups =
  'SELECT key, priority, place FROM ojs.groups WHERE queue = $1 AND until IS NULL ORDER BY priority DESC, place LIMIT $2';
const groupLanes = `SELECT best.line, best.keys, best.key, best.priority, best.place FROM unnest($2::text[]) AS line_up (key), LATERAL (
    SELECT * FROM ojs.lanes WHERE lanes.queue = $1 AND lanes.key = line_up.key ORDER BY priority DESC, place LIMIT $3) AS best
  ORDER BY best.priority DESC, best.place`;
const fronts = `SELECT ${readyColumns}, lane.line FROM unnest($1::text[]) AS lane (line), LATERAL (
    SELECT * FROM ojs.jobs WHERE jobs.line = lane.line AND place IS NOT NULL ORDER BY priority DESC, place LIMIT $2 FOR UPDATE SKIP LOCKED) AS job`;

/** Lanes that a call looks at in vain. Each moves under the key that holds it back, so a key that closes costs so many only where others kept its lanes apart. */
const fruitlessLanes = 500;

/** What is read of a line; `more` where it goes on behind. */
class Front {
  readonly #rows: readonly Ready[];
  readonly #more: boolean;
  #at = 0;

  constructor(rows: readonly Ready[], more: boolean) {
    this.#rows = rows;
    this.#more = more;
  }

  peek(): Ready | undefined {
    return this.#rows[this.#at];
  }

  next(): void {
    this.#at += 1;
  }

  /** All that was read is taken, and there may be more. */
  get spent(): boolean {
    return this.#more && this.#at === this.#rows.length;
  }
}

interface LoadedLane extends Lane {
  readonly front: Front;
}

interface Group {
  readonly key: string;
  lanes: LoadedLane[];
  /** Lanes from here on were not read; null where all were. */
  readonly bound: Head | null;
}

/** What one look at a queue has read. */
interface View {
  readonly plain: Front;
  readonly groups: readonly Group[];
  /** Groups from here on were not read; null where all were. */
  readonly bound: Head | null;
}

/** Takes from a queue that has lanes, or is limited as a whole. */
export async function takeLimited(round: Round, dealt: Dealt, lanes: Lanes, queue: string): Promise<void> {
  const budget = { lanes: fruitlessLanes };
  for (let goesOn = true; goesOn && dealt.wanted > 0 && isOpen(round, lanes, queue); ) {
    const view = await look(round, lanes, queue, dealt.wanted);
    goesOn =
      work(round, dealt, lanes, queue, view, budget) ||
      (dealt.wanted > 0 && budget.lanes > 0 && (await lanes.adoptMore(queue)));
  }
}

function isOpen({ now }: Round, lanes: Lanes, queue: string): boolean {
  return lanes.limits.closedUntil(queueLimitKey(queue), now) === null;
}

async function look({ tx }: Round, lanes: Lanes, queue: string, wanted: number): Promise<View> {
  const [plain, groupRows] = await Promise.all([
    tx.query(front, [queue, wanted]),
    tx.query(openGroups, [queue, wanted + 1]),
  ]);
  const keys = groupRows.map(([key]) => text(key));
  const perGroup = keys.length === 0 ? 1 : Math.ceil((2 * wanted) / keys.length) + 1;
  const laneRows = keys.length === 0 ? [] : await tx.query(groupLanes, [queue, texts(keys), perGroup]);
  const perLane = laneRows.length === 0 ? 1 : Math.min(wanted, Math.ceil((2 * wanted) / laneRows.length) + 1);
  const names = laneRows.map(([, names]) => readTexts(text(names)));
  const [fronts] = await Promise.all([readFronts(tx, laneRows, perLane), lanes.load(names.flat())]);
  await lanes.limits.loadStarts([queueLimitKey(queue), ...names.flat()], wanted);
  const groups = keys.map((key): Group => {
    const own = laneRows.flatMap((cells, at) => (cells[2] === key ? [{ cells, keys: names[at] ?? [] }] : []));
    const last = own.at(-1);
    return {
      key,
      lanes: own.flatMap(({ cells, keys }) => {
        const line = text(cells[0]);
        const front = fronts.get(line);
        return front ? [{ line, queue, key, keys, front }] : [];
      }),
      bound:
        last && own.length === perGroup ? { priority: integer(last.cells[3]), place: integer(last.cells[4]) } : null,
    };
  });
  const lastGroup = groupRows.at(-1);
  return {
    plain: new Front(plain.map(readReady), plain.length === wanted),
    groups,
    bound:
      lastGroup && groupRows.length > wanted ? { priority: integer(lastGroup[1]), place: integer(lastGroup[2]) } : null,
  };
}

async function readFronts(tx: Round['tx'], lanes: readonly Cells[], size: number): Promise<ReadonlyMap<string, Front>> {
  if (lanes.length === 0) return new Map();
  const rows = await tx.query(fronts, [texts(lanes.map(([line]) => text(line))), size]);
  const byLine = Map.groupBy(rows, (cells) => text(cells.at(-1)));
  return new Map([...byLine].map(([line, rows]) => [line, new Front(rows.map(readReady), rows.length === size)]));
}

function headOf({ held, place }: Ready): Head {
  return { priority: held.job.priority, place };
}

/** The lane of a group that is handed out next; `unread` where it may be one that was not read. */
function bestOf({ lanes, bound }: Group): { readonly lane: LoadedLane; readonly waiting: Ready } | 'unread' | null {
  let best: { readonly lane: LoadedLane; readonly waiting: Ready } | null = null;
  for (const lane of lanes) {
    const waiting = lane.front.peek();
    if (!waiting) {
      if (lane.front.spent) return 'unread';
      continue;
    }
    if (!best || isClaimedBefore(headOf(waiting), headOf(best.waiting))) best = { lane, waiting };
  }
  if (bound && !(best && !isClaimedBefore(bound, headOf(best.waiting)))) return 'unread';
  return best;
}

/** A group that is lined up, with the lane that it would hand out from. */
interface Candidate {
  readonly group: Group;
  best: ReturnType<typeof bestOf>;
}

interface Found {
  readonly candidate: Candidate;
  readonly lane: LoadedLane;
  readonly waiting: Ready;
}

function findBest(candidates: Iterable<Candidate>): Found | null {
  let found: Found | null = null;
  for (const candidate of candidates) {
    const { best } = candidate;
    if (best === null || best === 'unread') continue;
    if (!found || isClaimedBefore(headOf(best.waiting), headOf(found.waiting))) found = { candidate, ...best };
  }
  return found;
}

/** Takes as far as what was read reaches; true where another look may find more. */
function work(round: Round, dealt: Dealt, lanes: Lanes, queue: string, view: View, budget: { lanes: number }): boolean {
  const { now, tx } = round;
  const { limits } = lanes;
  const candidates = new Set<Candidate>(view.groups.map((group) => ({ group, best: bestOf(group) })));
  const touched = new Map<string, LoadedLane>();
  const left: Pick<Lane, 'queue' | 'key'>[] = [];
  let did = false;
  let goesOn = false;
  while (dealt.wanted > 0 && isOpen(round, lanes, queue)) {
    const found = findBest(candidates);
    const plain = view.plain.peek();
    const first = plain && !(found && isClaimedBefore(headOf(found.waiting), headOf(plain))) ? plain : found?.waiting;
    const unread = view.plain.spent || (view.bound !== null && !(first && isClaimedBefore(headOf(first), view.bound)));
    // Where nothing was done another look would see the same: others have locked what is in front.
    goesOn = did && (unread || candidates.values().some(({ best }) => best === 'unread'));
    if (goesOn || !first) break;
    // What was not taken over yet may stand before it, or be what the lanes in front have lost.
    const unknown = lanes.unknownFrom(queue);
    if (unknown !== null && (unread || !isClaimedBefore(headOf(first), unknown))) break;
    const closed = first === plain || !found ? null : limits.closing(found.lane.keys, now);
    did = true;
    if (found && closed) {
      const { candidate, lane } = found;
      left.push({ queue, key: candidate.group.key });
      // The group's own key holds all of it back; another one this lane only.
      if (limits.closedUntil(candidate.group.key, now) !== null) candidates.delete(candidate);
      else {
        candidate.group.lanes = candidate.group.lanes.filter((one) => one !== lane);
        candidate.best = bestOf(candidate.group);
        touched.set(lane.line, { ...lane, key: closed.key });
      }
      budget.lanes -= 1;
      if (budget.lanes > 0) continue;
      tx.woken.add(queue);
      break;
    }
    const taken = round.take(dealt, first.held);
    if (taken === 'refused') break;
    const lane = first === plain ? null : found?.lane;
    if (taken === 'started') limits.started(queue, lane?.keys ?? [], now);
    (lane?.front ?? view.plain).next();
    if (lane && found) {
      touched.set(lane.line, lane);
      found.candidate.best = bestOf(found.candidate.group);
    }
  }
  round.write();
  lanes.settle([...touched.values()], left);
  return goesOn;
}
