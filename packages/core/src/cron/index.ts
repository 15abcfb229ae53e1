/** Cron expressions, zones, definitions and their firings. */
import '../require-node.ts';

export * from './crons.ts';
export * from './definition.ts';
export * from './firing.ts';
export * from './next.ts';
export * from './parse.ts';
export * from './record.ts';
export * from './render.ts';
export * from './schedule.ts';
export * from './zone.ts';
