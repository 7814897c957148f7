/** A subject's events and messages in one line of time. */
import type { EventOut, MessageOut } from '~/api/generated';

export type Show = 'calls' | 'events' | 'messages';

export type Moment =
  | { kind: 'calls'; at: number; key: string; event: EventOut }
  | { kind: 'events'; at: number; key: string; event: EventOut }
  | { kind: 'messages'; at: number; key: string; message: MessageOut };

/**
 * Both, newest first. While older events are still unread, messages older than the oldest event read are left out:
 * they would stand right below it as if nothing had happened in between.
 */
export function moments(events: EventOut[], messages: MessageOut[], complete: boolean): Moment[] {
  const oldest = Math.min(...events.map(({ timestamp }) => timestamp));
  // the event of a send says less than the message itself
  const known = new Set(messages.map(({ id }) => id));
  const told = events.filter(
    ({ name, properties }) => name !== 'email_sent' || !known.has(Number(properties['message_id'])),
  );
  const all: Moment[] = told.map((event) => ({
    kind: event.name === 'api_call' ? 'calls' : 'events',
    at: event.timestamp,
    key: `event ${event.offset}`,
    event,
  }));
  for (const message of messages) {
    const at = message.sent_at ?? message.created_at;
    if (complete || at >= oldest) all.push({ kind: 'messages', at, key: `message ${message.id}`, message });
  }
  return all.sort((a, b) => b.at - a.at);
}
