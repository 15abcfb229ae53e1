/** The store of one run, as ../src/store.ts makes it: a schema or a namespace that is removed afterwards. */

export function readPostgres(storage: string): { readonly connectionString: string; readonly schema: string } {
  const url = new URL(storage);
  const schema = url.searchParams.get('schema') ?? 'public';
  url.searchParams.delete('schema');
  return { connectionString: url.toString(), schema };
}

/** All keys of a run begin with the prefix. */
export function readRedis(storage: string): { readonly url: string; readonly prefix: string } {
  const url = new URL(storage);
  const prefix = `{${url.searchParams.get('namespace') ?? 'ojs_bench'}}`;
  url.searchParams.delete('namespace');
  return { url: url.toString(), prefix };
}
