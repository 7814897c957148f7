/** Changes of a workflow's list of steps; ids stay with their steps, because people in the workflow stand on them. */
import type { WorkflowDefinition } from '~/api/generated';

export type Step = WorkflowDefinition['steps'][number];
export type Trigger = NonNullable<WorkflowDefinition['trigger']>;

export const NEW_WORKFLOW: WorkflowDefinition = {
  schema: 1,
  trigger: { kind: 'enters', rule_id: null },
  entry: { reentry: 'every_time' },
  steps: [{ id: 's1', kind: 'send', channel: 'email', template_id: null, variables: {} }],
};

/** The first free id: s1, s2, ... */
export function freeId(steps: Step[]): string {
  const taken = new Set(steps.map(({ id }) => id));
  let number = steps.length + 1;
  while (taken.has(`s${number}`)) number += 1;
  return `s${number}`;
}

export function newStep(kind: Step['kind'], steps: Step[]): Step {
  const id = freeId(steps);
  if (kind === 'wait') return { id, kind, minutes: 60 };
  return kind === 'send' ? { id, kind, channel: 'email', template_id: null, variables: {} } : { id, kind };
}

export function insertStep(steps: Step[], position: number, step: Step): Step[] {
  return [...steps.slice(0, position), step, ...steps.slice(position)];
}

/** The step moved by one place; the same list at either end. */
export function moveStep(steps: Step[], position: number, by: -1 | 1): Step[] {
  const target = position + by;
  const [one, other] = [steps[position], steps[target]];
  if (!one || !other) return steps;
  return steps.map((step, index) => (index === position ? other : index === target ? one : step));
}
