// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are source code
import type { Mutation } from './mutation.ts';

export const system: readonly Mutation[] = [
  {
    name: 'worker-body-not-checked',
    rule: 'ojs-http-binding §16.3',
    in: 'core: Fields.parse',
    find: "readJson(requireBody(text), 'The request body')",
    replace: "(text?.trim().endsWith('}') ? readJson(text, 'The request body') : {})",
    cases: ['OJS-L0-ENV-022'],
  },
  {
    name: 'manifest-overclaims',
    rule: 'deviations X24',
    in: 'server/binding: manifest',
    find: "conformance_tier: 'runtime',",
    replace: "conformance_tier: 'full',",
    cases: ['OJS-L0-SYS-001'],
  },

  {
    name: 'health-ok-not-connected',
    rule: 'deviations X33',
    in: 'server: health',
    find: "return 'connected';",
    replace: "return 'ok';",
    cases: ['OJS-L0-SYS-002', 'OJS-L0-SYS-004', 'OJS-L0-SYS-006'],
  },
  {
    name: 'no-version-header',
    rule: 'ojs-http-binding §6.5',
    in: 'server/http: begin',
    find: ".header('ojs-version', '1.0')",
    replace: '',
    cases: ['OJS-L0-SYS-003', 'OJS-L0-SYS-005', 'OJS-L0-SYS-006'],
  },

  {
    name: 'no-canonical-code',
    rule: 'ojs-http-binding §16.1; deviations X2',
    in: 'core: renderError',
    find: 'canonical_code: kind.canonical,',
    replace: '',
    cases: ['OJS-L0-SYS-007'],
  },
  {
    name: 'no-hint',
    rule: 'official L0-OPS-030',
    in: 'core: renderError',
    find: 'hint,',
    replace: '',
    cases: ['OJS-L0-ENV-010', 'OJS-L0-ENV-013', 'OJS-L0-LIF-016'],
  },

  {
    name: 'no-location',
    rule: 'ojs-http-binding §9.1',
    in: 'core: enqueuedReply',
    find: 'location: `/ojs/v1/jobs/${job.id}`',
    replace: '',
    cases: ['OJS-L0-ENV-001'],
  },

  {
    name: 'field-path-lost',
    rule: 'ojs-json-format §12.4',
    in: 'core: Fields.issue',
    find: '`${this.#at}.${name}`',
    replace: 'name',
    cases: ['OJS-L0-FET-006', 'OJS-L1-EXC-004', 'OJS-L1-HBT-009'],
  },
];
