import { expect, test } from 'vitest';
import { chosenBy } from '../../../src/binding/metrics/media-type.ts';

const text = 'text/plain; version=0.0.4; charset=utf-8';
const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

test.each([
  [undefined, text],
  ['', text],
  ['*/*', text],
  ['text/html,application/xhtml+xml,*/*;q=0.8', text],
  ['application/json', text],
  ['text/plain; version=0.0.4', text],
  ['text/plain;version=0.0.4;q=0.2, application/openmetrics-text;version=1.0.0;q=0.5', openMetrics],
  ['text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0;q=0.2', text],
  ['application/openmetrics-text', openMetrics],
  ['APPLICATION/OPENMETRICS-TEXT; VERSION="1.0.0"', openMetrics],
  // A later version than this server speaks.
  ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', text],
  ['application/openmetrics-text;q=0, */*', text],
  ['application/*;q=0.9, text/*;q=0.8', openMetrics],
  ['application/openmetrics-text;q=nonsense', text],
  // Prometheus 2.53 and 3.
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    openMetrics,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    openMetrics,
  ],
  // What the official case asks for and compares.
  ['text/plain', 'text/plain'],
])('Accept: %s', (accept, mediaType) => {
  expect(chosenBy(accept).mediaType).toBe(mediaType);
});
