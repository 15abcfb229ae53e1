import { useEffect, useState } from 'react';
import { scriptAddress } from '../../live/script-address.ts';
import type { Boxes } from './boxes.ts';
import type { LayoutRequest, Places } from './layout.ts';
import layoutAddress from './layout.ts?worker&url';

export const boxWidth = 232;
export const boxHeight = 60;

/** The place of each box; null while it is computed. Counts and states may change without a new layout. */
export function useLayout({ boxes, edges }: Boxes): Places | null {
  const [places, setPlaces] = useState<Places | null>(null);
  const shape = JSON.stringify([boxes.map(({ id }) => id), edges]);
  useEffect(() => {
    const [ids, pairs]: [LayoutRequest['ids'], LayoutRequest['edges']] = JSON.parse(shape);
    const worker = new Worker(scriptAddress(layoutAddress), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Places>) => {
      setPlaces(data);
      worker.terminate();
    });
    worker.postMessage({ ids, edges: pairs, width: boxWidth, height: boxHeight } satisfies LayoutRequest);
    return () => worker.terminate();
  }, [shape]);
  return places;
}
