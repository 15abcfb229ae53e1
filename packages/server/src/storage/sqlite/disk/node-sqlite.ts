const warned = 'SQLite is an experimental feature and might change at any time';

/**
 * `node:sqlite`, loaded when the first file is opened. An `import` would make every server load it, also one on PostgreSQL, and a Node without it would
 * refuse the import before core can say that it is too old.
 */
export function loadNodeSqlite(): typeof import('node:sqlite') {
  return withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite'));
}

/** Node 22 warns once of `node:sqlite` by this text when the module is loaded. Every other warning, and each one after the load, goes its way. */
export function withoutSqliteWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  // An override declares every form of its arguments; a proxy passes them on as they are.
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
