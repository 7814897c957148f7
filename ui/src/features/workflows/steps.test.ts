import { describe, expect, it } from 'vitest';
import { type Step, freeId, insertStep, moveStep, newStep } from '~/features/workflows/steps';

const steps: Step[] = [
  { id: 's1', kind: 'wait', minutes: 60 },
  { id: 's3', kind: 'send', channel: 'email', template_id: 1, variables: {} },
  { id: 's2', kind: 'exit' },
];
const ids = (list: Step[]) => list.map(({ id }) => id);

describe('the steps of a workflow', () => {
  it('never reuse an id, on which people may stand', () => {
    expect(freeId(steps)).toBe('s4');
    expect(freeId([{ id: 's2', kind: 'exit' }])).toBe('s3');
    expect(newStep('wait', steps)).toEqual({ id: 's4', kind: 'wait', minutes: 60 });
  });

  it('go in where they are put', () => {
    expect(ids(insertStep(steps, 1, { id: 'x', kind: 'exit' }))).toEqual(['s1', 'x', 's3', 's2']);
  });

  it('move by one place and stay put at the ends', () => {
    expect(ids(moveStep(steps, 0, 1))).toEqual(['s3', 's1', 's2']);
    expect(ids(moveStep(steps, 2, -1))).toEqual(['s1', 's2', 's3']);
    expect(moveStep(steps, 0, -1)).toBe(steps);
    expect(moveStep(steps, 2, 1)).toBe(steps);
  });
});
