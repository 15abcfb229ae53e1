import { expect, test } from 'vitest';
import { withoutPayload } from '../../src/access/index.ts';

test.each(['args', 'arguments', 'meta', 'metadata', 'payload', 'data', 'result', 'results', 'error', 'checkpoint'])(
  'an entry has no %s, however deep',
  (name) => {
    const request = { queue: 'mail', jobs: [{ type: 'a.b', [name]: { card: '4111' } }], [name]: ['4111'] };
    expect(withoutPayload(request)).toEqual({
      queue: 'mail',
      jobs: [{ type: 'a.b', [name]: '[hidden]' }],
      [name]: '[hidden]',
    });
  },
);
