const warned = 'SQLite is an experimental feature and might change at any time';

/**
 * `node:sqlite`, loaded when the first file is opened. An `import` would make every server load it, also one on
 * PostgreSQL, and a Node without it would refuse the import before core can say that it is too old.
 */
export function loadNodeSqlite(): typeof import('node:sqlite') {
  return withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'));
}

/**
 * Node 22 emits this warning once, when `node:sqlite` is loaded. Other warnings pass, and so does every warning after
 * the load.
 */
export function withoutSqliteWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  // emitWarning has several signatures; a proxy passes the arguments on as they are.
  process.emitWarning = new Proxy(emitWarning, {
    apply: (target, self, given: Parameters<typeof emitWarning>) => {
      if (given[0] !== warned) Reflect.apply(target, self, given);
    },
  });
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
