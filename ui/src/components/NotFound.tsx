import { Button } from '@mantine/core';
import { IconCompass } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '~/components/EmptyState';
import { PageHeader } from '~/components/PageHeader';

export function NotFound() {
  return (
    <>
      <PageHeader title="Not found" />
      <EmptyState
        icon={<IconCompass size={26} />}
        title="There is no screen at this address"
        actions={
          <Button component={Link} to="/">
            Go to the overview
          </Button>
        }
      >
        The link may be old, or what it led to was deleted. Press Ctrl K to search for a screen, a rule or a
        person.
      </EmptyState>
    </>
  );
}
