/** The first item of a list of the server. */
async function first(url: string, path: string, name: string): Promise<string | undefined> {
  const response = await fetch(`${url}/ojs/v1/${path}`);
  type Items = readonly Readonly<Record<string, unknown>>[];
  const { items, jobs = [] }: { readonly items?: Items; readonly jobs?: Items } = JSON.parse(await response.text());
  const value = (items ?? jobs)[0]?.[name];
  return typeof value === 'string' ? encodeURIComponent(value) : undefined;
}

/** Every page of the dashboard, those of one thing with the first that the server has. */
export async function places(url: string, queue = 'mail'): Promise<readonly string[]> {
  const fixed = `jobs queues workflows crons workers dead-letter events limits bulk doctor schemas tokens audit configuration playground`;
  const things = await Promise.all([
    first(url, `admin/jobs?queue=${queue}`, 'id').then((id) => id && `jobs/${id}`),
    first(url, `admin/dead-letter?queue=${queue}`, 'id').then((id) => id && `jobs/${id}`),
    `queues/${queue}`,
    first(url, 'workflows', 'id').then((id) => id && `workflows/${id}`),
    first(url, 'cron', 'name').then((name) => name && `crons/${name}`),
    first(url, 'admin/workers', 'id').then((id) => id && `workers/${id}`),
    first(url, 'rate-limits', 'key').then((key) => key && `limits/${key}`),
  ]);
  return ['', ...fixed.split(' '), ...things.filter((place) => place !== undefined && place !== '')].filter(
    (place) => place !== undefined,
  );
}
