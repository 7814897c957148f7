/** How numbers, times and sizes are written on the page; all times are ms since the epoch. */

const integer = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const count = (value: number): string => integer.format(value);
export const shortCount = (value: number): string => (value < 10_000 ? count(value) : compact.format(value));
export const exactTime = (at: number): string => exact.format(at);
export const clockTime = (at: number): string => clock.format(at);

/** "1 user", "2 users". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** What several of a kind are called. */
export const kindNouns = (kind: 'user' | 'company'): string => (kind === 'user' ? 'users' : 'companies');

/** "1 user", "2 companies". */
export const kindCount = (value: number, kind: 'user' | 'company'): string =>
  plural(value, kind, kindNouns(kind));

export function percent(part: number, whole: number): string {
  if (whole === 0) return '0%';
  const value = (part / whole) * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

export function relativeTime(at: number, now: number): string {
  const distance = at - now;
  if (Math.abs(distance) < 45_000) return distance > 5_000 ? 'in a moment' : 'just now';
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) >= size) return relative.format(Math.round(distance / size), unit);
  }
  return relative.format(Math.round(distance / 60_000), 'minute');
}

/** A length of time in ms: "18 ms", "2.4 s", "3 min". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Minutes as a person says them: 90 -> "1 hour 30 minutes". */
export function minutesInWords(minutes: number): string {
  const parts: string[] = [];
  const days = Math.floor(minutes / 1_440);
  const hours = Math.floor((minutes % 1_440) / 60);
  const rest = minutes % 60;
  if (days > 0) parts.push(plural(days, 'day'));
  if (hours > 0) parts.push(plural(hours, 'hour'));
  if (rest > 0 || parts.length === 0) parts.push(plural(rest, 'minute'));
  return parts.join(' ');
}

export function bytes(size: number): string {
  return size < 1_000 ? `${size} B` : `${(size / 1_000).toFixed(size < 10_000 ? 1 : 0)} kB`;
}

/** A trait or property value in one line. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
