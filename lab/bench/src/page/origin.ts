import type { Origin } from '../ledger.ts';

/** Where figures come from: one line for those of one run. */
export function originLines(all: readonly { readonly what: string; readonly origin: Origin }[]): string {
  const runs = Map.groupBy(all, ({ origin }) => JSON.stringify(origin));
  return [...runs.values()]
    .flatMap((members) => {
      const [first] = members;
      if (first === undefined) return [];
      const { commit, day, machine, busy, command } = first.origin;
      const busyness = busy ? ' **The machine was busy with something else.**' : '';
      const names = [...new Set(members.map(({ what }) => what))].join(', ');
      return [`- ${names}: \`${command}\` at ${commit}, ${day}. ${machine}.${busyness}`];
    })
    .join('\n');
}
