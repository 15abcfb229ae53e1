/** The whole answer, read as text. */
export async function ask(url: string, path: string, init?: RequestInit): Promise<string> {
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text;
}

const headers = { 'content-type': 'application/json' };

export function post(url: string, path: string, body: object): Promise<string> {
  return ask(url, `/ojs/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** So many calls in all, by callers at once that each wait for their answer. */
export async function callers(count: number, calls: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: count }, caller));
}
