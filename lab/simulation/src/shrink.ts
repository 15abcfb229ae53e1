import type { Problem } from './context.ts';
import type { Scenario, Step } from './scenario.ts';
import { trueNow } from './world/world.ts';

/** Answers the problem that the scenario still has, if any. */
type Breaks = (scenario: Scenario) => Promise<Problem | undefined>;

/**
 * Leaves out steps for as long as the same rule stays broken: halves first, then ever smaller parts (delta debugging,
 * Zeller and Hildebrandt 2002).
 */
export async function shrink(
  scenario: Scenario,
  problem: Problem,
  breaks: Breaks,
  limitMs: number,
): Promise<{ readonly scenario: Scenario; readonly problem: Problem; readonly tries: number }> {
  const until = trueNow() + limitMs;
  let best = { scenario, problem };
  let tries = 0;
  const attempt = async (candidate: Scenario): Promise<boolean> => {
    if (trueNow() > until) return false;
    tries++;
    const found = await breaks(candidate);
    if (found === undefined) return false;
    best = { scenario: candidate, problem: found };
    return true;
  };
  const calmer = [{ probes: false }, { noise: false }, { skewMs: 0 }, { storeScale: 1 }];
  for (const change of calmer)
    await attempt({ ...best.scenario, parameters: { ...best.scenario.parameters, ...change } });
  for (let size = Math.ceil(best.scenario.steps.length / 2); size >= 1; ) {
    let isSmaller = false;
    for (let from = 0; from < best.scenario.steps.length; ) {
      const steps = without(best.scenario.steps, from, size);
      if (await attempt({ ...best.scenario, steps })) isSmaller = true;
      else from += size;
      if (trueNow() > until) return { ...best, tries };
    }
    if (!isSmaller || size > best.scenario.steps.length) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return { ...best, tries };
}

function without(steps: readonly Step[], from: number, count: number): readonly Step[] {
  return steps.filter((_, index) => index < from || index >= from + count);
}
