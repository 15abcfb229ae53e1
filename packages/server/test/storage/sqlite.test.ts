import { openStorage } from '../../src/storage/open.ts';
import { exerciseStorage } from './suite/exercise.ts';

exerciseStorage({
  name: 'sqlite',
  open: async () => {
    const storage = await openStorage('sqlite:');
    await storage.migrate();
    return storage;
  },
});
