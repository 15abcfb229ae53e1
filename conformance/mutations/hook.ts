/**
 * `node --import conformance/mutations/hook.ts …` with an edit as JSON in OJS_MUTATION runs a program with that mistake
 * in its sources: the text of one module or Lua script is changed as it is read. No file is touched.
 */
import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { applyMutation, type Edit } from './mutation.ts';

const given = process.env.OJS_MUTATION;
if (given !== undefined) {
  const edit: Edit = JSON.parse(given);
  let applied = false;
  const apply = (source: string) => {
    applied = true;
    return applyMutation(edit, source);
  };
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.startsWith('file:') || fileURLToPath(url) !== edit.file || !loaded.source) return loaded;
      const { source } = loaded;
      return { ...loaded, source: apply(typeof source === 'string' ? source : new TextDecoder().decode(source)) };
    },
  });
  const readFileSync = new Proxy(fs.readFileSync, {
    apply(read, self, args) {
      const text: unknown = Reflect.apply(read, self, args);
      const [path] = args;
      const isMeant = typeof text === 'string' && (path instanceof URL ? fileURLToPath(path) : path) === edit.file;
      return isMeant ? apply(text) : text;
    },
  });
  Object.assign(fs, { readFileSync });
  syncBuiltinESMExports();
  process.on('exit', () => {
    if (applied) return;
    console.error(`mutation ${edit.name}: the program never loaded ${edit.file}`);
    process.exitCode = 1;
  });
}
