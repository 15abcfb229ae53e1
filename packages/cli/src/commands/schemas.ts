import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import { age, type Item } from '../output/cells.ts';
import { oneLine, plain } from '../output/plain.ts';
import { view } from '../output/table.ts';
import { group } from './command.ts';
import { Raw } from './flags.ts';
import { listCommand } from './list.ts';
import { change, look } from './row.ts';

const args = { key: 'URI of the schema' };

/** `ojs schemas`. */
export function schemasCommand(): Command {
  return group('schemas', 'look at schemas of arguments and register them', [
    listCommand('list', 'list schemas', 'schema.list', {
      what: 'schemas',
      member: 'schemas',
      columns: view`URI | TYPE | VERSION | MODE | AGE>: ${age} created_at`,
    }),
    look('show', 'show a schema', 'schema.get', { args, member: 'schema', shown: (_, __, json) => oneLine(json) }),
    change('register', 'register a JSON Schema for the arguments of a job type', 'schema.register', {
      args: {
        uri: 'URI of the schema',
        type: 'job type',
        version: 'version, such as 1.0.0',
        file: 'file with the schema',
      },
      body: (_, uri, type, version, file = '') => ({ uri, type, version, schema: objectIn(file) }),
      shown: (_, uri) => `Schema ${uri} is registered.`,
    }),
    change('delete', 'delete a schema', 'schema.delete', {
      args,
      question: (uri) => `Shall I delete the schema ${uri}?`,
      shown: (_, uri) => `Schema ${uri} is deleted.`,
    }),
  ]);
}

/** The text of a file that holds a JSON object. */
function objectIn(file: string): Raw {
  if (!existsSync(file))
    throw new Failure('usage', `There is no file ${plain(file)}. Name a file that contains a JSON Schema.`);
  const found = readFileSync(file, 'utf8');
  try {
    const parsed: Item | null = JSON.parse(found);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return new Raw(found);
  } catch (error) {
    throw new Failure('usage', `${file}: ${error instanceof Error ? error.message : error}`);
  }
  throw new Failure('usage', `${file}: expected a JSON Schema, an object.`);
}
