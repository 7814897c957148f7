/** Filters in the URL: plain `?name=value`, unknown or malformed ones dropped, so that an old link still opens. */

export type RawSearch = Record<string, unknown>;

export function parseSearch(text: string): RawSearch {
  return Object.fromEntries(new URLSearchParams(text));
}

/** The same as a query string, "" without any; undefined, null and "" are left out. */
export function stringifySearch(search: RawSearch): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

type Parameter<T> = (value: unknown) => T | undefined;

export const text: Parameter<string> = (value) => {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
};

export const number: Parameter<number> = (value) => {
  const digits = text(value);
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
};

export function choice<T extends string>(...choices: T[]): Parameter<T> {
  return (value) => choices.find((candidate) => candidate === value);
}

/** A route's `validateSearch`: each named parameter read by its kind, everything else dropped. */
export function filters<S extends Record<string, Parameter<unknown>>>(shape: S) {
  return (raw: RawSearch) => {
    const read: Record<string, unknown> = {};
    for (const [name, parameter] of Object.entries(shape)) read[name] = parameter(raw[name]);
    return read as { [K in keyof S]?: NonNullable<ReturnType<S[K]>> };
  };
}
