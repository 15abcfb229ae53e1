import { readFileSync } from 'node:fs';

/** A MUST of the specification, and the cases and tests that hold this server to it. */
export interface Rule {
  /** Where the rule comes from; conformance/README.md explains the forms. */
  readonly ref: string;
  readonly must: string;
  /** Ids of our own cases; none where the rule cannot be seen over HTTP. */
  readonly cases: readonly string[];
  /** Tests that hold it where no case can, or beside the cases: a file, and a part of a test's name in it. */
  readonly tests?: readonly (readonly [file: string, name: string])[];
  /** Why no case holds it. Required where `cases` is empty. */
  readonly why?: string;
}

export interface Section {
  readonly title: string;
  readonly rules: readonly Rule[];
}

/** The MUSTs of the specification, by topic: one line each in rules.json. */
export const sections: readonly Section[] = JSON.parse(readFileSync(new URL('rules.json', import.meta.url), 'utf8'));
