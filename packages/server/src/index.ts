/** The OJS server and the embedded engine. */
// First: core refuses a Node that is too old before a dependency breaks on it.
import '@ojs-ts/core';

export { type BackupSummary, readBackup, writeBackup } from './backup.ts';
export {
  type ConfigWarning,
  checkEnvironment,
  type LogLevel,
  type ServerOptions,
  storageUrl,
} from './config.ts';
export { ConfigError } from './config-error.ts';
export { Embedded, type EmbeddedOptions, openEmbedded } from './embedded/embedded.ts';
export { Engine } from './engine/engine.ts';
export type { EngineLog, EngineOptions, Retention } from './engine/options.ts';
export { version } from './files.ts';
export { type RunningServer, startServer } from './main.ts';
export { type MemoryReport, openStorage, storageReport } from './storage/open.ts';
export type * from './storage/storage.ts';
