import type { Plant } from './plant.ts';

/** By name: what the bug breaks, and what plants it. */
export type Bugs = Readonly<Record<string, readonly [breaks: string, plant: Plant]>>;

/** By name: ids of the conformance cases that the bug turns red, and what plants it. */
export type CaseBugs = Bugs;
