import { compareWithMemory } from '../model.ts';
import { openRedis, test } from './namespace.ts';

test('memory and redis give equal answers and keep equal rows', async () => {
  await using subject = await openRedis();
  await compareWithMemory(subject, 51);
});
