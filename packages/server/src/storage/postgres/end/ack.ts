import type { Millis } from '@ojs-ts/core';
import { State, type Transition } from '@ojs-ts/core/job';
import { isPlainAck, type PlainAck } from '@ojs-ts/core/lifecycle';
import { minuteOf } from '@ojs-ts/core/statistics';
import { integer, text } from '../../cells.ts';
import type { Moved } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { isUuid, joined, numbers, texts } from '../connection/sql.ts';
import { ackMembers, ackPlain } from './ack-statements.ts';
import type { ClaimedNodes } from './claimed-nodes.ts';

const moved: Moved = { kind: 'moved', was: State.active, ready: [] };

type Answer = ReadonlyMap<Transition, Moved> | 'owned' | null;

/**
 * The acks that were made; null if one takes more than one statement, `owned` if all are the caller's.
 * @param nodes the statement of plain jobs, which costs less, is not sent for one of these.
 */
export async function ackAtOnce(
  database: Database,
  transitions: readonly Transition[],
  now: Millis,
  nodes: ClaimedNodes,
): Promise<Answer> {
  if (transitions.length === 0 || !transitions.every(fits)) return null;
  const given = transitions.map((one, at) => ({ one, at })).sort((a, b) => (a.one.id < b.one.id ? -1 : 1));
  if (given.some(({ one }, at) => one.id === given[at - 1]?.one.id)) return null;
  const worker = transitions[0]?.worker ?? null;
  const isOne = transitions.every((one) => (one.worker ?? null) === worker);
  const values = [
    `{${given.map(({ one }) => one.id).join(',')}}`,
    numbers(given.map(({ at }) => at)),
    numbers(given.map(({ one }) => one.claim ?? null)),
    isOne ? null : texts(given.map(({ one }) => one.worker ?? null)),
    ...joined(given.map(({ one }) => one.result)),
    isOne ? worker : null,
    now,
    given.length,
    minuteOf(now),
    database.logs,
  ];
  if (!nodes.take(transitions)) {
    const ids = database.logs ? transitions.map(({ id }) => id).join('","') : null;
    const answer = await send(database, transitions, { text: ackPlain, values: [...values, ids] });
    if (answer !== 'owned') return answer;
  }
  return send(database, transitions, { text: ackMembers, values });
}

async function send(
  database: Database,
  transitions: readonly Transition[],
  statement: { readonly text: string; readonly values: readonly unknown[] },
): Promise<Answer> {
  const rows = await database.alone(statement, ([answer]) => ({
    woken: new Set(namesIn(answer?.[3])),
    logged: database.logs && answer?.[0] !== 0,
    taken: 0,
  }));
  const [answer] = rows ?? [];
  if (answer === undefined || integer(answer[0]) === 0) return answer?.[1] === true ? 'owned' : null;
  const ids = answer[2] === null ? null : new Set(namesIn(answer[2]));
  return new Map(transitions.flatMap((one) => (ids === null || ids.has(one.id) ? [[one, moved]] : [])));
}

/**
 * Reports whether one statement can send it: results are joined there, so none may be empty, and an id is a UUID or
 * unknown.
 */
function fits(transition: Transition): transition is PlainAck {
  return isPlainAck(transition) && transition.result !== '' && isUuid(transition.id);
}

function namesIn(cell: unknown): readonly string[] {
  return Array.isArray(cell) ? cell.map(text) : [];
}
