import { compareWithMemory } from '../model.ts';
import { openPostgres, test } from './schema.ts';

test('memory and postgres give equal answers and keep equal rows', async () => {
  await using subject = await openPostgres();
  await compareWithMemory(subject, 6);
});
