export type Answer = Readonly<Record<string, unknown>>;
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** The API of a server, by its paths behind `/ojs/v1/`. */
export function askAt(url: string, secret: string): Ask {
  return async (method, path, body) => {
    const response = await fetch(`${url}/ojs/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
}
