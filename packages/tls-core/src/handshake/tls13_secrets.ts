/** The traffic secrets of a TLS 1.3 handshake, RFC 8446 section 7.1: the same on both sides, logged as they are made. */
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { KeySchedule } from '../keys/tls13_key_schedule.ts';
import { type SecretLog } from './io.ts';
import { type Transcript } from './transcript.ts';

export interface TrafficSecrets {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/**
 * Of the Early Secret, over ClientHello; to be wiped by the caller.
 *
 * @param earlySecret borrowed
 */
export function earlySecrets(
  suite: Tls13CipherSuite,
  earlySecret: Uint8Array,
  transcript: Transcript,
  log: SecretLog,
): { readonly traffic: Uint8Array; readonly exporter: Uint8Array } {
  const schedule = new KeySchedule(suite, earlySecret);
  try {
    const hash = transcript.digestBy(suite.hash);
    const traffic = schedule.derive('c e traffic', hash).slice();
    const exporter = schedule.derive('e exp master', hash).slice();
    log.log('CLIENT_EARLY_TRAFFIC_SECRET', traffic);
    log.log('EARLY_EXPORTER_SECRET', exporter);
    return { traffic, exporter };
  } finally {
    schedule.wipe();
  }
}

/** Of the Handshake Secret, over ClientHello…ServerHello. */
export function handshakeTrafficSecrets(schedule: KeySchedule, transcript: Transcript, log: SecretLog): TrafficSecrets {
  const hash = transcript.digest();
  const client = schedule.derive('c hs traffic', hash);
  const server = schedule.derive('s hs traffic', hash);
  log.log('CLIENT_HANDSHAKE_TRAFFIC_SECRET', client);
  log.log('SERVER_HANDSHAKE_TRAFFIC_SECRET', server);
  return { client, server };
}

/** Of the Main Secret, over ClientHello…server Finished. */
export function applicationTrafficSecrets(
  schedule: KeySchedule,
  transcript: Transcript,
  log: SecretLog,
): TrafficSecrets & { readonly exporter: Uint8Array } {
  const hash = transcript.digest();
  const client = schedule.derive('c ap traffic', hash);
  const server = schedule.derive('s ap traffic', hash);
  const exporter = schedule.derive('exp master', hash);
  log.log('CLIENT_TRAFFIC_SECRET_0', client);
  log.log('SERVER_TRAFFIC_SECRET_0', server);
  log.log('EXPORTER_SECRET', exporter);
  return { client, server, exporter };
}
