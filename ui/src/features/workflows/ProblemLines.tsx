import { Alert } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';

/** What keeps this part from being published. */
export function ProblemLines({ problems }: { problems: string[] }) {
  return problems.map((problem) => (
    <Alert key={problem} color="amber" p="xs" icon={<IconAlertTriangle size={18} />}>
      {problem}
    </Alert>
  ));
}
