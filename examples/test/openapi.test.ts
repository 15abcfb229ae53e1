import { openApi } from '@ojs-ts/core/openapi';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';

test('a validator accepts the OpenAPI document', async () => {
  const validator = new Validator();
  expect(await validator.validate(openApi('1.0.0'))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const broken = { ...openApi('1.0.0'), paths: { '/one': { get: { parameters: 'none' } } } };
  expect((await new Validator().validate(broken)).valid).toBe(false);
});
