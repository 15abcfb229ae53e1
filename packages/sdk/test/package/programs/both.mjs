// Module and CommonJS in one process: what one throws, the other knows.
import { createRequire } from 'node:module';
import * as esm from '@ojs-ts/sdk';

const cjs = createRequire(import.meta.url)('@ojs-ts/sdk');
const thrown = await new esm.Client('http://127.0.0.1:1').enqueue('Bad Type', []).catch((error) => error);
const other = await new cjs.Client('http://127.0.0.1:1').enqueue('Bad Type', []).catch((error) => error);
console.log(
  JSON.stringify({
    copies: esm.OJSError !== cjs.OJSError,
    known: esm.isOjsError(other) && cjs.isOjsError(thrown),
    names: [thrown.name, other.name],
    same: Object.keys(esm).sort().join() === Object.keys(cjs).sort().join(),
  }),
);
