import { Snippet } from '~/components/CopyText';

/** JSON as text, indented, copyable. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  return <Snippet code={JSON.stringify(value, null, 2)} label={label} />;
}
