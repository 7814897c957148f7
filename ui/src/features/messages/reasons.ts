/** Why a message was not sent, in words; the server stores one of these keys, and a detail where there is one. */
const REASONS: Record<string, { title: string; text: string }> = {
  unsubscribed: {
    title: 'They have unsubscribed',
    text: 'Nothing was sent: this address no longer wants mail of this kind.',
  },
  suppressed: {
    title: 'The address is on the suppression list',
    text: 'Nothing was sent: mail to it bounced, or somebody complained.',
  },
  no_address: { title: 'There is no address', text: 'Nothing was sent: no usable email address is known.' },
  no_template: { title: 'The email is not published', text: 'Publish it; later messages will then be sent.' },
  render_failed: { title: 'The email could not be rendered', text: 'Correct the email where it says:' },
  rejected: { title: 'The provider refused it', text: 'It will not be tried again. The provider said:' },
  expired: {
    title: 'It was tried for too long',
    text: 'It will not be tried again. The last attempt ended with:',
  },
};

export function reasonInWords(reason: string): { title: string; text: string } {
  return REASONS[reason] ?? { title: sentence(reason), text: '' };
}

/** "frequency_cap" -> "Frequency cap". */
export function sentence(key: string): string {
  const words = key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
