import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApi } from '../packages/core/src/schemas/openapi.ts';
import { anchorOf, type Entry } from './places.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Content {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly (Schema & { readonly name: string; readonly in: string; readonly schema: Schema })[];
  readonly requestBody?: { readonly $ref: string };
  readonly responses: Readonly<Record<string, Content & { readonly $ref?: string }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly requestBodies: Readonly<Record<string, Content>>;
    readonly responses: Readonly<Record<string, Content>>;
  };
}

const titles: Readonly<Record<string, string>> = {
  job: 'Jobs',
  admin: 'Admin',
  bulk: 'Bulk operations',
  deadLetter: 'Dead letter',
  worker: 'Workers',
  queue: 'Queues',
  limit: 'Limits',
  schema: 'Schemas',
  workflow: 'Workflows',
  cron: 'Cron jobs',
  system: 'Server',
  event: 'Events',
  audit: 'Audit log',
  token: 'Tokens',
};

/**
 * Writes the OpenAPI document into `folder`, as `openapi.json` in the folder `assets` and as pages: one for each tag, one
 * for the objects. @returns their entries in the sidebar.
 */
export async function writeOpenApi(folder: string, assets: string, version: string): Promise<readonly Entry[]> {
  // Its types are wide: the document is a value of JSON.
  const document = openApi(version) as unknown as Document;
  await mkdir(folder, { recursive: true });
  await mkdir(assets, { recursive: true });
  await writeFile(join(assets, 'openapi.json'), JSON.stringify(document));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
  );
  const entries: Entry[] = [{ text: 'All routes', link: '/openapi/' }];
  const index: string[] = [];
  for (const tag of new Set(operations.flatMap(({ operation }) => operation.tags))) {
    const title = titles[tag] ?? tag;
    const own = operations.filter(({ operation }) => operation.tags.includes(tag));
    const texts = own.map(({ route, operation }) => sectionOf(route, operation, document));
    await writeFile(join(folder, `${tag}.md`), `# HTTP API: ${title}\n\n${texts.join('\n')}`);
    entries.push({ text: title, link: `/openapi/${tag}` });
    const rows = own.map(
      ({ route, operation }) =>
        `| [\`${route}\`](${tag}.md#${anchorOf(route)}) | \`${operation.operationId}\` | ${operation.summary} |`,
    );
    index.push(`## ${title}\n\n| route | operation | what it does |\n| --- | --- | --- |\n${rows.join('\n')}\n`);
  }
  await writeFile(
    join(folder, 'index.md'),
    `# HTTP API: all routes\n\nEvery route of the server but its streams. Programs read the same as an OpenAPI 3.1 document: [openapi.json](../openapi.json), or \`GET /ojs/v1/openapi.json\` of a server. [HTTP routes](../reference/http.md) explains them.\n\n${index.join('\n')}`,
  );
  const objects = Object.entries(document.components.schemas).map(
    ([name, schema]) => `## ${name}\n\n${bodyOf(schema)}`,
  );
  await writeFile(
    join(folder, 'objects.md'),
    `# HTTP API: objects\n\nThe objects of requests and answers.\n\n${objects.join('\n')}`,
  );
  return [...entries, { text: 'Objects', link: '/openapi/objects' }];
}

function sectionOf(route: string, operation: Operation, { components }: Document): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const body = requestBody && components.requestBodies[lastOf(requestBody.$ref)];
  const lines = parameters.map(
    ({ name, in: place, description: about, schema }) =>
      `- \`${name}\` (${place}, ${typeOf(schema)})${about === undefined ? '' : `: ${about}`}`,
  );
  const errors = Object.keys(responses).filter((status) => Number(status) >= 400);
  const [answer] = Object.entries(responses).filter(([status]) => Number(status) < 400);
  const answered = answer?.[1].$ref === undefined ? answer?.[1] : components.responses[lastOf(answer[1].$ref)];
  return [
    `## ${route}`,
    `${summary}. ${description} Operation \`${operationId}\`.`,
    ...(lines.length > 0 ? [`**Parameters**`, lines.join('\n')] : []),
    ...(body ? ['**Body**', contentOf(body)] : []),
    `**Answer** ${Object.keys(responses)
      .filter((status) => Number(status) < 400)
      .join(' or ')}`,
    contentOf(answered ?? {}),
    `**Errors** ${errors.join(', ')}: an [ErrorAnswer](objects.md#erroranswer).\n`,
  ].join('\n\n');
}

function contentOf({ content = {} }: Content): string {
  const [found] = Object.entries(content);
  if (found === undefined) return 'No body.';
  const [type, { schema }] = found;
  return type === 'text/plain' ? 'Text.' : bodyOf(schema);
}

function bodyOf(schema: Schema): string {
  const members = membersOf(schema, '');
  if (schema.type === 'object' && members !== '') return `${members}\n`;
  return `${typeOf(schema)}${schema.description === undefined ? '' : `: ${schema.description}`}\n${members}\n`;
}

/** The members of an object, or of the objects of a list, as a nested list. */
function membersOf(schema: Schema, indent: string): string {
  const { properties = {}, required = [], items, anyOf = [] } = schema;
  const own = Object.entries(properties).map(([name, member]) => {
    const note = required.includes(name) ? ', required' : '';
    const about = member.description === undefined ? '' : `: ${member.description}`;
    const inner = membersOf(member, `${indent}  `);
    return `${indent}- \`${name}\` (${typeOf(member)}${note})${about}${inner === '' ? '' : `\n${inner}`}`;
  });
  const inner = [...(items ? [items] : []), ...anyOf]
    .map((one) => membersOf(one, indent))
    .filter((text) => text !== '');
  return [...own, ...inner].join('\n');
}

function typeOf({ $ref, type, format, enum: values, const: only, minimum, maximum, items, anyOf }: Schema): string {
  if ($ref !== undefined) return `[${lastOf($ref)}](objects.md#${lastOf($ref).toLowerCase()})`;
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(' or ');
  if (items !== undefined) return `list of ${typeOf(items)}`;
  const range = [minimum === undefined ? '' : `from ${minimum}`, maximum === undefined ? '' : `to ${maximum}`];
  return [format ?? type ?? 'any value', ...range].filter((text) => text !== '').join(' ');
}

function lastOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}
