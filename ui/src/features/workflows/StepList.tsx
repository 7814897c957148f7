import { ActionIcon, Button, Group, Menu, Paper, Stack, ThemeIcon, Title, Tooltip } from '@mantine/core';
import {
  IconArrowDown,
  IconArrowUp,
  IconClock,
  IconDoorExit,
  IconMail,
  IconPlus,
  IconTrash,
} from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import type { Problem } from '~/api/generated';
import { notifyUndo } from '~/components/notify';
import { ProblemLines } from '~/features/workflows/ProblemLines';
import { StepForm } from '~/features/workflows/StepForm';
import { type Step, insertStep, moveStep, newStep } from '~/features/workflows/steps';
import classes from '~/features/workflows/StepList.module.css';

export const STEP_KINDS = {
  wait: { label: 'Wait', color: 'amber', icon: IconClock },
  send: { label: 'Send an email', color: 'petrol', icon: IconMail },
  exit: { label: 'Exit', color: 'gray', icon: IconDoorExit },
} as const;

interface StepListProps {
  steps: Step[];
  onChange: (change: (steps: Step[]) => Step[]) => void;
  problems: Problem[];
}

/** The steps in the order in which they run; added, moved and removed by buttons that work from the keyboard. */
export function StepList({ steps, onChange, problems }: StepListProps) {
  const withdraw = useRef<(() => void) | null>(null);
  useEffect(() => () => withdraw.current?.(), []); // what cannot be undone any more is not offered
  const remove = (step: Step) => {
    const position = steps.indexOf(step);
    onChange((now) => now.filter(({ id }) => id !== step.id));
    withdraw.current?.();
    withdraw.current = notifyUndo(`“${STEP_KINDS[step.kind].label}” was removed.`, () =>
      onChange((now) => insertStep(now, position, step)),
    );
  };
  return (
    <ol className={classes.steps}>
      {steps.map((step, position) => {
        const { label, color, icon: Icon } = STEP_KINDS[step.kind];
        const name = `step ${position + 1}: ${label}`;
        return (
          <li key={step.id}>
            <AddStep position={position} onChange={onChange} />
            <Paper>
              <Group justify="space-between" mb={step.kind === 'exit' ? 0 : 'sm'} wrap="nowrap">
                <Group gap="sm" wrap="nowrap">
                  <ThemeIcon variant="light" color={color} size={34}>
                    <Icon size={19} />
                  </ThemeIcon>
                  <Title order={3}>
                    {position + 1}. {label}
                  </Title>
                </Group>
                <Group gap={4} wrap="nowrap">
                  <Tooltip label="Move up">
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      disabled={position === 0}
                      aria-label={`Move up ${name}`}
                      onClick={() => onChange((now) => moveStep(now, position, -1))}
                    >
                      <IconArrowUp size={17} />
                    </ActionIcon>
                  </Tooltip>
                  <Tooltip label="Move down">
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      disabled={position === steps.length - 1}
                      aria-label={`Move down ${name}`}
                      onClick={() => onChange((now) => moveStep(now, position, 1))}
                    >
                      <IconArrowDown size={17} />
                    </ActionIcon>
                  </Tooltip>
                  <Tooltip label="Remove">
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={`Remove ${name}`}
                      onClick={() => remove(step)}
                    >
                      <IconTrash size={17} />
                    </ActionIcon>
                  </Tooltip>
                </Group>
              </Group>
              <Stack gap="sm">
                <StepForm
                  step={step}
                  onChange={(next) =>
                    onChange((now) => now.map((other) => (other.id === next.id ? next : other)))
                  }
                />
                <ProblemLines
                  problems={problems
                    .filter(({ step_id }) => step_id === step.id)
                    .map(({ message }) => message)}
                />
              </Stack>
            </Paper>
          </li>
        );
      })}
      <li>
        <AddStep position={steps.length} onChange={onChange} labelled />
      </li>
    </ol>
  );
}

interface AddStepProps {
  position: number;
  onChange: StepListProps['onChange'];
  labelled?: boolean;
}

function AddStep({ position, onChange, labelled = false }: AddStepProps) {
  return (
    <div className={classes.edge}>
      <Menu>
        <Menu.Target>
          {labelled ? (
            <Button variant="light" size="xs" leftSection={<IconPlus size={15} />}>
              Add a step
            </Button>
          ) : (
            <ActionIcon
              variant="default"
              radius="xl"
              size={26}
              aria-label={`Add a step before step ${position + 1}`}
            >
              <IconPlus size={15} />
            </ActionIcon>
          )}
        </Menu.Target>
        <Menu.Dropdown>
          {(['wait', 'send', 'exit'] as const).map((kind) => {
            const { label, icon: Icon } = STEP_KINDS[kind];
            return (
              <Menu.Item
                key={kind}
                leftSection={<Icon size={17} />}
                onClick={() => onChange((now) => insertStep(now, position, newStep(kind, now)))}
              >
                {label}
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
