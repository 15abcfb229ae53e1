import { describe, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { play, recording } from './player.ts';

describe.each(['python', 'go', 'javascript', 'cli', 'admin'].map((name) => recording(`${name}.txt`)))(
  '$client.title',
  ({ client, conversations }) => {
    describe.each(storages)('$name', (storage) => {
      test.concurrent.each(conversations)('$title', ({ lines }) => play(client, lines, storage));
    });
  },
);
