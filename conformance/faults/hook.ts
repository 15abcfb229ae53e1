/**
 * `node --import conformance/faults/hook.ts …` with OJS_FAULT=NAME in the environment runs a program with that fault in
 * its sources: the text of one module, SQL file or Lua script is rewritten as it is read, no file is touched.
 */
import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { applyFault } from './fault.ts';
import { faults } from './index.ts';

const name = process.env.OJS_FAULT;
if (name !== undefined) {
  const fault = faults.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`OJS_FAULT is ${name}, which is no fault of the list`);
  const target = fileURLToPath(new URL(`../../${fault.file}`, import.meta.url));
  let applied = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (
        !url.startsWith('file:') ||
        fileURLToPath(url) !== target ||
        loaded.source === undefined ||
        loaded.source === null
      )
        return loaded;
      applied = true;
      const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: applyFault(fault, source) };
    },
  });
  const readFileSync = new Proxy(fs.readFileSync, {
    apply(read, self, args) {
      const text: unknown = Reflect.apply(read, self, args);
      const [path] = args;
      if (typeof text !== 'string' || (path instanceof URL ? fileURLToPath(path) : path) !== target) return text;
      applied = true;
      return applyFault(fault, text);
    },
  });
  Object.assign(fs, { readFileSync });
  syncBuiltinESMExports();
  process.on('exit', () => {
    if (applied) return;
    console.error(`fault ${name}: ${fault.file} was never loaded`);
    process.exitCode = 1;
  });
}
