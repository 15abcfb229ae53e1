import '../require-node.ts';

import { rightWords } from '../access/roles.ts';
import { type ErrorKind, errorKinds } from '../errors.ts';
import { isObject } from '../json/json.ts';
import {
  type OperationName,
  operationNames,
  operations,
  type Route,
  routeOf,
  routesOf,
} from '../operations/operations.ts';
import { answers, statuses } from './answers/index.ts';
import { ErrorAnswer } from './answers/parts.ts';
import { type Body, type Parameters, pathParameters, requests } from './index.ts';

type Members = Readonly<Record<string, unknown>>;

/** @returns the OpenAPI 3.1 document of every route of the HTTP binding, without its streams. */
export function openApi(version: string): Members {
  return new Document().of(version);
}

/** The media type of answers. Requests may have it too. */
const mediaType = 'application/openjobspec+json';
const faults: Readonly<Record<string, ErrorKind>> = errorKinds;

class Document {
  readonly #schemas = new Map<string, unknown>();
  readonly #responses = new Map<string, unknown>();
  readonly #bodies = new Map<string, unknown>();
  /** The names of responses by their schema. Calls with the same answer share one. */
  readonly #shared = new Map<unknown, string>();

  of(version: string): Members {
    const fault = this.#content(ErrorAnswer);
    for (const status of new Set(Object.values(faults).map((kind) => kind.status)))
      this.#responses.set(`Error${status}`, { description: faultsWith(status), ...fault });
    this.#responses.set('Error', { description: 'An error.', ...fault });
    const paths: Record<string, Record<string, unknown>> = {};
    for (const name of operationNames)
      for (const [index, route] of routesOf(name).entries()) {
        const path = route.path.replace(/:([a-z]+)/g, '{$1}');
        paths[path] = { ...paths[path], [route.method.toLowerCase()]: this.#operation(name, route, index) };
      }
    return {
      openapi: '3.1.0',
      info: {
        title: 'ojs-ts',
        version,
        description: 'The HTTP binding of the Open Job Spec, and the additions of this server.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [...new Set(operationNames.map(tagOf))].map((name) => ({ name })),
      paths,
      components: {
        schemas: Object.fromEntries(this.#schemas),
        requestBodies: Object.fromEntries(this.#bodies),
        responses: Object.fromEntries(this.#responses),
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      },
    };
  }

  #operation(name: OperationName, route: Route, index: number): Members {
    const { summary, body } = requests[name];
    const { right } = operations[name];
    const { method, path } = routeOf(name);
    const access =
      right === 'open'
        ? 'Needs no token.'
        : `Needs the right ${right}, if the server has tokens: ${rightWords[right]}.`;
    return {
      operationId: index === 0 ? name : `${name}.${index + 1}`,
      tags: [tagOf(name)],
      summary,
      description: index === 0 ? access : `Another spelling of ${method} ${path}. ${access}`,
      security: right === 'open' ? [] : [{ token: [right] }],
      parameters: parametersOf(name, route),
      ...(body && { requestBody: this.#body(name, body) }),
      responses: this.#answers(name),
    };
  }

  #body(name: OperationName, { schema, optional }: Body): Members {
    if (!this.#bodies.has(name)) {
      const content = { 'application/json': { schema: this.#schema(schema()) } };
      this.#bodies.set(name, { required: optional !== true, content });
    }
    return { $ref: `#/components/requestBodies/${name}` };
  }

  #answers(name: OperationName): Members {
    const schema = answers[name];
    const at = this.#shared.get(schema) ?? name;
    if (!this.#shared.has(schema)) {
      this.#shared.set(schema, at);
      const description = requests[name].summary;
      this.#responses.set(at, { description, ...this.#content(schema, name) });
    }
    const given = statuses[name] ?? [200];
    const either = { anyOf: [this.#schema(schema), this.#schema(ErrorAnswer)] };
    return {
      ...Object.fromEntries(
        given.map((status) => [
          status,
          status < 400
            ? { $ref: `#/components/responses/${at}` }
            : { description: 'The same answer, or an error.', content: { [mediaType]: { schema: either } } },
        ]),
      ),
      ...Object.fromEntries(
        faultStatuses(name)
          .filter((status) => !given.includes(status))
          .map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
      ),
      default: { $ref: '#/components/responses/Error' },
    };
  }

  #content(schema: unknown, name?: OperationName): Members {
    const type = name === 'system.metrics' ? 'text/plain' : name === 'system.openapi' ? 'application/json' : mediaType;
    return { content: { [type]: { schema: this.#schema(schema) } } };
  }

  /** The schema with references in place of those that have a name. */
  #schema(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#schema(one));
    if (!isObject(value)) return value;
    const { title, ...members } = value;
    const copy = () => Object.fromEntries(Object.entries(members).map(([name, one]) => [name, this.#schema(one)]));
    if (typeof title !== 'string') return copy();
    if (!this.#schemas.has(title)) {
      this.#schemas.set(title, null);
      this.#schemas.set(title, copy());
    }
    return { $ref: `#/components/schemas/${title}` };
  }
}

function parametersOf(name: OperationName, { path }: Route): readonly Members[] {
  const within = (place: 'path' | 'query', parameters: Parameters) =>
    Object.entries(parameters).map(([one, { description, ...schema }]) => ({
      name: one,
      in: place,
      ...(place === 'path' && { required: true }),
      description,
      schema,
    }));
  return [...within('path', pathParameters(path)), ...within('query', requests[name].query ?? {})];
}

function tagOf(name: OperationName): string {
  return name.slice(0, name.indexOf('.'));
}

function faultsWith(status: number): string {
  return Object.entries(faults)
    .filter(([, kind]) => kind.status === status)
    .map(([code, { wire = code, hint }]) => `\`${wire}\`: ${hint}`)
    .join(' ');
}

/** The statuses of the errors that a call may have. */
function faultStatuses(name: OperationName): readonly number[] {
  const { method, path } = routeOf(name);
  return [
    400,
    ...(operations[name].right === 'open' ? [] : [401, 403, 429]),
    ...(path.includes(':') ? [404] : []),
    ...(method === 'GET' ? [] : [409, 413, 422]),
    ...(name === 'job.result' ? [408, 410] : []),
    500,
    503,
  ];
}
