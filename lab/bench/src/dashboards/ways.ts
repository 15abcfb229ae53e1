import { bullBoardWays } from './bull-board.ts';
import type { PeerName } from './outcome.ts';
import { pgBossWays } from './pg-boss.ts';
import type { Ways } from './way.ts';

export const ways: Readonly<Record<PeerName, Ways>> = { 'bull-board': bullBoardWays, 'pg-boss': pgBossWays };
