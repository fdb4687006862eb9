/** A connection's messages and alerts, as the runner writes them down. */
import { type Tracer } from '@tyls/tls-core';

/** Writes a line for each into `lines`. Of change_cipher_spec, which is no message in TLS 1.3, nothing is said. */
export function messageTrace(lines: string[]): Tracer {
  return () => (event) => {
    if (event.type !== 'message' && event.type !== 'alert') return;
    const direction = event.direction === 'sent' ? 'write' : 'read';
    const what = event.type === 'message' ? `hs ${event.handshakeType}` : `alert ${event.level} ${event.description}`;
    lines.push(`${direction} ${what}`);
  };
}

/** What is to be in it, of what the runner expects. */
export function expectedLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.endsWith(' ccs'));
}
