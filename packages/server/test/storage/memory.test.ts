import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { exerciseStorage } from './suite/exercise.ts';

exerciseStorage({
  name: 'memory',
  open: async () => memoryStorage(),
  openUnlogged: async () => memoryStorage({ events: false }),
});
