/**
 * `node --import conformance/faults/hook.ts …` with OJS_FAULT=NAME in the environment runs a program with that fault in its sources:
 * the text of one file is rewritten as it is loaded, no file is touched.
 */
import { registerHooks } from 'node:module';
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
      if (!url.startsWith('file:') || fileURLToPath(url) !== target || loaded.source === undefined || loaded.source === null) return loaded;
      applied = true;
      const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
      return { ...loaded, source: applyFault(fault, source) };
    },
  });
  process.on('exit', () => {
    if (applied) return;
    console.error(`fault ${name}: ${fault.file} was never loaded`);
    process.exitCode = 1;
  });
}
