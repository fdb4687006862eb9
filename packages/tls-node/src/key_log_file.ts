/** The key log as a file, in NSS's format (RFC 9850): what Wireshark and other tools read. */
import { type KeyLog } from '@tyls/tls-core';
import { appendFileSync } from 'node:fs';

/**
 * Appends every secret to a file: who has it can decrypt the traffic. One that is created can be read by its owner alone;
 * one that exists keeps its mode. A secret that cannot be written is warned of and the connection goes on.
 *
 * @throws the error of node:fs if the file cannot be opened for appending
 */
export function keyLogFile(path: string): KeyLog {
  const append = (text: string): void => appendFileSync(path, text, { mode: 0o600 });
  append('');
  return {
    log(label, clientRandom, secret) {
      try {
        // A line in one write: other connections, and other processes, append to the same file.
        append(`${label} ${hex(clientRandom)} ${hex(secret)}\n`);
      } catch (error) {
        process.emitWarning(`cannot write the key log: ${(error as Error).message}`);
      }
    },
  };
}

/** To the file that the environment variable SSLKEYLOGFILE names; none if it names none. */
export function keyLogFromEnvironment(): KeyLog | undefined {
  const path = process.env['SSLKEYLOGFILE'];
  return path === undefined || path === '' ? undefined : keyLogFile(path);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
