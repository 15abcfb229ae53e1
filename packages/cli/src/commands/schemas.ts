import { existsSync, readFileSync } from 'node:fs';
import { members, uuidv7 } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { ServerFlags } from '../connection/server.ts';
import { age, type Item, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { oneLine, plain } from '../output/plain.ts';
import { actionCommand } from './action.ts';
import { group, serverCommand } from './command.ts';
import { detailCommand } from './detail.ts';
import { listCommand } from './list.ts';

const schema = { param: 'key', about: 'URI of the schema' } as const;

/** `ojs schemas`. */
export function schemasCommand(): Command {
  return group('schemas', 'look at schemas of arguments and register them', [
    listCommand('list', 'list schemas', {
      operation: 'schema.list',
      member: 'schemas',
      what: 'schemas',
      columns: [
        { title: 'URI', cell: (item) => text(item, 'uri') },
        { title: 'TYPE', cell: (item) => text(item, 'type') },
        { title: 'VERSION', cell: (item) => text(item, 'version') },
        { title: 'MODE', cell: (item) => text(item, 'mode') },
        { title: 'AGE', cell: (item) => age(item, 'created_at'), align: 'right' },
      ],
    }),
    detailCommand('show a schema', { ...schema, operation: 'schema.get', describe }),
    registerCommand(),
    actionCommand('delete', 'delete a schema', {
      ...schema,
      operation: 'schema.delete',
      said: (uri) => `Schema ${uri} is deleted.`,
      question: (uri) => `Shall I delete the schema ${uri}?`,
    }),
  ]);
}

function describe(answer: Json): string {
  return oneLine(members(answer).get('schema') ?? answer);
}

function registerCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags>(
    'register',
    'register a JSON Schema for the arguments of a job type',
    async (server, flags, uri = '', type = '', version = '', file = '') => {
      const head = JSON.stringify({ uri, type, version }).slice(0, -1);
      const body = `${head},"schema":${objectIn(file)}}`;
      const { text: answer } = await server.ask({ operation: 'schema.register', body, idempotencyKey: uuidv7() });
      printAnswer(answer, flags, () => `Schema ${plain(uri)} is registered.`);
    },
  );
  return takesJson(
    command
      .argument('<uri>', schema.about)
      .argument('<type>', 'job type')
      .argument('<version>', 'version, such as 1.0.0')
      .argument('<file>', 'file with the schema'),
  );
}

/** The text of a file that holds a JSON object. */
function objectIn(file: string): Json {
  if (!existsSync(file)) throw new Failure('usage', `There is no file ${plain(file)}.`);
  const found = readFileSync(file, 'utf8');
  try {
    const parsed: Item | null = JSON.parse(found);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return found;
  } catch (error) {
    throw new Failure('usage', `${file}: ${error instanceof Error ? error.message : error}`);
  }
  throw new Failure('usage', `${file}: expected a JSON Schema, an object.`);
}
