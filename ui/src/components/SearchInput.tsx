import { CloseButton, TextInput, type TextInputProps } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';

interface SearchInputProps extends Omit<TextInputProps, 'value' | 'onChange'> {
  value: string | undefined;
  onSearch: (value: string | undefined) => void;
  label: string;
}

/** A filter that lives in the URL: writes there shortly after the last key, and follows it on back and forward. */
export function SearchInput({ value = '', onSearch, label, ...input }: SearchInputProps) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    if (value !== typed.trim()) setTyped(value);
  }
  const search = useDebouncedCallback((next: string) => onSearch(next.trim() || undefined), 250);
  const change = (next: string) => {
    setTyped(next);
    search(next);
  };
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={16} />}
      rightSection={typed && <CloseButton size="sm" aria-label="Clear" onClick={() => change('')} />}
      value={typed}
      onChange={(event) => change(event.currentTarget.value)}
      {...input}
    />
  );
}
