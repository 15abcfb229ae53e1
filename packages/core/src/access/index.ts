/** Roles and tokens, the reach of a token, redaction of payloads, and the audit log. */
import '../require-node.ts';

export * from './audit.ts';
export * from './payloads.ts';
export * from './reach.ts';
export * from './roles.ts';
