import { Group, NumberInput, Select, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import * as read from '~/api/queries';
import { TextLink } from '~/components/LinkButton';
import type { Step } from '~/features/workflows/steps';

const UNITS = [
  { value: '1', label: 'minutes' },
  { value: '60', label: 'hours' },
  { value: '1440', label: 'days' },
];

/** The fields of one step. */
export function StepForm({ step, onChange }: { step: Step; onChange: (step: Step) => void }) {
  switch (step.kind) {
    case 'wait':
      return <WaitForm step={step} onChange={onChange} />;
    case 'send':
      return <SendForm step={step} onChange={onChange} />;
    case 'exit':
      return null;
  }
}

const unitOf = (minutes: number): number => [1440, 60].find((unit) => minutes % unit === 0) ?? 1;

function WaitForm({
  step,
  onChange,
}: {
  step: Extract<Step, { kind: 'wait' }>;
  onChange: (step: Step) => void;
}) {
  const [unit, setUnit] = useState(() => unitOf(step.minutes));
  return (
    <Group gap="xs" align="flex-end">
      <NumberInput
        label="For"
        min={1}
        max={Math.floor(527_040 / unit)}
        clampBehavior="blur"
        allowDecimal={false}
        value={step.minutes / unit}
        onChange={(value) => {
          const amount = Number(value);
          if (Number.isInteger(amount) && amount > 0) onChange({ ...step, minutes: amount * unit });
        }}
        w={110}
      />
      <Select
        aria-label="Unit"
        data={UNITS}
        value={String(unit)}
        allowDeselect={false}
        onChange={(value) => {
          const next = Number(value);
          onChange({ ...step, minutes: Math.max(1, Math.round(step.minutes / unit)) * next });
          setUnit(next);
        }}
        w={130}
      />
    </Group>
  );
}

function SendForm({
  step,
  onChange,
}: {
  step: Extract<Step, { kind: 'send' }>;
  onChange: (step: Step) => void;
}) {
  const templates = useQuery(read.templates);
  const items = templates.data?.items ?? [];
  const chosen = items.find(({ id }) => id === step.template_id);
  return (
    <>
      <Select
        label="Email"
        placeholder="Choose an email"
        data={items.map(({ id, name, published_version }) => ({
          value: String(id),
          label: published_version === null ? `${name} (not published)` : name,
        }))}
        value={step.template_id === null ? null : String(step.template_id)}
        onChange={(value) => onChange({ ...step, template_id: value === null ? null : Number(value) })}
        searchable
        nothingFoundMessage="No email has that name."
      />
      {chosen && (
        <Text c="dimmed" size="xs">
          Subject: {chosen.subject || '–'} ·{' '}
          <TextLink to="/emails/$id" params={{ id: String(chosen.id) }} fz="xs">
            Open the email
          </TextLink>
        </Text>
      )}
      {templates.isSuccess && items.length === 0 && (
        <Text c="dimmed">
          There is no email yet.{' '}
          <TextLink to="/emails/$id" params={{ id: 'new' }}>
            Write one
          </TextLink>
        </Text>
      )}
    </>
  );
}
