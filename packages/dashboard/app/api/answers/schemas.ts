import type { Pagination } from '../page.ts';

export interface Schema {
  readonly uri: string;
  readonly type: string;
  readonly version: string | number;
  readonly mode: string;
  readonly created_at?: string;
}

export interface SchemaAnswers {
  readonly 'schema.list': { readonly items: readonly Schema[]; readonly pagination: Pagination };
  readonly 'schema.register': unknown;
  readonly 'schema.getVersionFlat': Schema & { readonly schema: unknown };
  readonly 'schema.deleteVersion': unknown;
}
