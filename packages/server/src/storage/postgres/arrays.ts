/**
 * Arrays as PostgreSQL reads them in a parameter. The driver's own way quotes and escapes every number too; and null for a column in which nothing is set lets
 * `unnest` fill it.
 */
export function numbers(values: readonly (number | null)[]): string | null {
  let set = false;
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    if (value === null) text += 'NULL';
    else {
      set = true;
      text += value;
    }
  }
  return set ? `${text}}` : null;
}

export function flags(values: readonly boolean[]): string | null {
  return values.includes(true) ? `{${values.join(',')}}` : null;
}

const special = /["\\]/g;

export function texts(values: readonly (string | null)[]): string | null {
  let set = false;
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    if (value === null) text += 'NULL';
    else {
      set = true;
      text += `"${value.replace(special, '\\$&')}"`;
    }
  }
  return set ? `${text}}` : null;
}
