/** JSON with one record a line: each item of a list of objects. Other values are on the line of their member. */
export function recordText(value: unknown, pad = ''): string {
  if (isRecords(value)) return `[\n${value.map((one) => `${pad}  ${JSON.stringify(one)}`).join(',\n')}\n${pad}]`;
  if (!holdsRecords(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${pad}  ${JSON.stringify(name)}: ${recordText(member, `${pad}  `)}`,
  );
  return `{\n${members.join(',\n')}\n${pad}}`;
}

function isRecords(value: unknown): value is readonly object[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'object' && one !== null);
}

function holdsRecords(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).some((member) => isRecords(member) || holdsRecords(member));
}
