import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { type TemplateContent, previewTemplate } from '~/api/generated';
import { NO_PREVIEW, nextPreview } from '~/features/templates/preview';

/** The rendering of `content` for a user, a moment after the last key. */
export function usePreview(content: TemplateContent, user_id: string | null) {
  const [settled] = useDebouncedValue(content, 300);
  const request = { content: settled, user_id };
  const { data, error } = useQuery({
    queryKey: ['templates', 'preview', request],
    queryFn: ({ signal }) => body(previewTemplate({ body: request, signal, throwOnError: true })),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
  });
  const [state, setState] = useState(NO_PREVIEW);
  const [seen, setSeen] = useState<{ data: unknown; error: unknown }>({ data: undefined, error: null });
  if (seen.data !== data || seen.error !== error) {
    setSeen({ data, error });
    setState(nextPreview(state, { data, error }));
  }
  const stale = settled !== content || (data === undefined && error === null);
  return { ...state, stale };
}
