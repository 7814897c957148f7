import type { Kind } from '~/api/queries';

/** What a person writes of a rule or a computed trait. */
export interface Written {
  name: string;
  description: string;
  text: string;
  subject_kind: Kind;
}

/** One to start from; `title` is what it is called where its name is not for reading. */
export interface Example {
  key: string;
  name: string;
  title?: string;
  about: string;
  text: string;
  subject_kind: Kind;
}

export const draftOf = ({ name, description, text, subject_kind }: Written): Written => ({
  name,
  description,
  text,
  subject_kind,
});

/** What a new one opens with. */
export const started = (example?: Example): Written => ({
  name: example?.name ?? '',
  description: example?.about ?? '',
  text: example?.text ?? '',
  subject_kind: example?.subject_kind ?? 'user',
});
