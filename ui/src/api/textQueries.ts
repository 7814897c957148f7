/** What the page asks about a rule or a formula while it is written; keys start with the noun, as in `queries`. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { body } from '~/api/client';
import * as api from '~/api/generated';
import type { FormulaSource, RuleSource } from '~/api/generated';

const must = { throwOnError: true } as const;

/** What is asked about a text while it is written: the last answer stays until the next comes. */
const asked = { placeholderData: keepPreviousData, retry: false } as const;
const understood = { ...asked, staleTime: Number.POSITIVE_INFINITY } as const; // a text never changes its meaning

export const rulePreview = (source: RuleSource) =>
  queryOptions({
    ...asked,
    queryKey: ['rules', 'preview', source],
    queryFn: ({ signal }) => body(api.previewRule({ body: source, signal, ...must })),
    staleTime: 2_000,
  });

export const ruleParse = (source: RuleSource) =>
  queryOptions({
    ...understood,
    queryKey: ['rules', 'parse', source],
    queryFn: ({ signal }) => body(api.parseRule({ body: source, signal, ...must })),
  });

export const formulaPreview = (source: FormulaSource) =>
  queryOptions({
    ...asked,
    queryKey: ['computed', 'preview', source],
    queryFn: ({ signal }) => body(api.previewFormula({ body: source, signal, ...must })),
  });

export const formulaParse = (source: FormulaSource) =>
  queryOptions({
    ...understood,
    queryKey: ['computed', 'parse', source],
    queryFn: ({ signal }) => body(api.parseFormula({ body: source, signal, ...must })),
  });
