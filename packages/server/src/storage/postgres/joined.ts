/**
 * The condition of a join that looks rows of a table up by an index, one look-up for each row of the other side. Written as an equality the planner may as well
 * walk the whole table and compare: cheapest while it is all but empty, and the plan is kept when it no longer is.
 */
export function joined(column: string, value: string): string {
  return `${column} = ANY (ARRAY[${value}])`;
}
