import { cron } from './cron.ts';
import { data } from './data.ts';
import { events } from './events.ts';
import { http } from './http.ts';
import { rest } from './rest.ts';
import { retry } from './retry.ts';
import type { Section } from './rule.ts';
import { states } from './states.ts';
import { unique } from './unique.ts';
import { workers } from './workers.ts';
import { workflows } from './workflows.ts';

export type { Rule, Section } from './rule.ts';

/** The MUSTs of the specification, by topic. */
export const sections: readonly Section[] = [data, states, http, retry, unique, workflows, cron, events, workers, rest];
