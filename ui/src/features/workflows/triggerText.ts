import type { RuleOut, WorkflowOut } from '~/api/generated';

/** A trigger in words. */
export function triggerText(trigger: WorkflowOut['definition']['trigger'], rules: RuleOut[]): string {
  if (trigger === null) return 'Nothing starts it yet';
  if (trigger.kind === 'event') return trigger.selector ? `On ${trigger.selector}` : 'On an event';
  const rule = rules.find(({ id }) => id === trigger.rule_id);
  return `When somebody ${trigger.kind} ${rule ? `“${rule.name}”` : 'a rule'}`;
}
