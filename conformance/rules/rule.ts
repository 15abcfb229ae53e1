/** A MUST of the core specification as the digest numbers it, and what holds this server to it. */
export interface Rule {
  /** Sections, X-numbers and test ids of the digest. */
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
