import { expect, test } from 'vitest';
import { type Scenario, scenarioOf } from '../src/scenario.ts';
import { shrink } from '../src/shrink.ts';

const kinds = [
  { name: 'plain', weight: 3 },
  { name: 'unique', weight: 1 },
];

function scenario(): Scenario {
  return scenarioOf('1', 'memory:', kinds, ['crash server', 'cut']);
}

test('a seed draws the same scenario each time, and another seed another one', () => {
  expect(scenario()).toEqual(scenario());
  expect(scenarioOf('2', 'memory:', kinds, ['cut']).steps).not.toEqual(scenario().steps);
});

test('a scenario is shrunk to the steps that matter', async () => {
  const whole = scenario();
  const needed = [whole.steps[17]?.number, whole.steps[90]?.number];
  const problem = { rule: 'lease', message: 'twice' };
  const breaks = async ({ steps }: Scenario) =>
    needed.every((number) => steps.some((step) => step.number === number)) ? problem : undefined;
  const { scenario: least } = await shrink(whole, problem, breaks, 60_000);
  expect(least.steps.map(({ number }) => number)).toEqual(needed);
  expect(least.parameters).toMatchObject({ noise: false, probes: false, skewMs: 0, storeScale: 1 });
});

test('a scenario stays whole where every step matters', async () => {
  const whole = scenario();
  const problem = { rule: 'lease', message: 'twice' };
  const breaks = async ({ steps }: Scenario) => (steps.length === whole.steps.length ? problem : undefined);
  expect((await shrink(whole, problem, breaks, 60_000)).scenario.steps).toEqual(whole.steps);
});
