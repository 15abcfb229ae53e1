import type { Mutation } from '../../../../conformance/mutations/mutation.ts';

/** Bugs of the synchronisation of SQLite's log, which a loss of power shows. */
export const lossMutations: readonly Omit<Mutation, 'rule' | 'cases'>[] = [
  {
    name: 'log-never-synchronised',
    in: 'server: WalSync.synchronise',
    find: 'await this.#files.sync(this.#log);',
    replace: '',
  },
  {
    name: 'answer-before-the-disk',
    in: 'server: WalSync.synchronise',
    find: 'await this.#files.sync(this.#log);',
    replace: 'void this.#files.sync(this.#log);',
  },
];
