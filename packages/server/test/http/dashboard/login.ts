import { expect } from 'vitest';
import { type Response, send } from '../../support/request.ts';

type Headers = Readonly<Record<string, string>>;

/** What a browser adds to a call of a page of the server's own. */
export const ownPage = { 'sec-fetch-site': 'same-origin', 'x-ojs-csrf': '1' };

export function login(url: string, body: unknown, headers: Headers = {}): Promise<Response> {
  return send(
    url,
    { method: 'POST', path: '/dashboard/session', headers, body: JSON.stringify(body) },
    { rejectUnauthorized: false },
  );
}

/** Cookies of an answer: `NAME=VALUE`, and the attributes. */
export function cookiesOf({ headers }: Response): readonly { readonly pair: string; readonly attributes: string }[] {
  return (headers['set-cookie'] ?? []).map((text) => {
    const end = text.indexOf(';');
    return { pair: text.slice(0, end), attributes: text.slice(end + 2) };
  });
}

/** Logs in and returns what the browser sends from then on. */
export async function loggedIn(url: string, token: string): Promise<string> {
  const response = await login(url, { token, base_path: '/' });
  expect(response.status, response.text).toBe(200);
  return cookiesOf(response)[0]?.pair ?? '';
}
