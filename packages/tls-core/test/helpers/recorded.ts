/**
 * What one end of a connection was sent, message by message with the keys, so that a new end with the same randomness
 * can be sent it again: as it was, or altered before it is protected. With the cheap provider.
 */
import { type Connection, type KeyLogLabel } from '@tyls/tls-core';
import { Pair, type Role } from '@tyls/testing';
import { certificateCompression, type CertificateCompression } from '@tyls/tls-node';
import { ClientConnection } from '../../src/client.ts';
import { concat } from '../../src/codec/bytes.ts';
import { clientConfig } from '../../src/client_config.ts';
import { type CertifiedKey, type ClientConfig, serverConfig, type ServerConfig } from '../../src/config.ts';
import { type KeyLog } from '../../src/keys/key_log.ts';
import { nextTrafficSecret } from '../../src/keys/tls13_key_schedule.ts';
import { Deframer } from '../../src/record/deframer.ts';
import { Joiner } from '../../src/record/joiner.ts';
import { tls13MaxLength } from '../../src/record/protection_tls13.ts';
import { AlertDescription, ContentType, HandshakeType } from '../../src/registry.ts';
import { ServerConnection } from '../../src/server.ts';
import { RawSealer } from '../hostile/wire.ts';
import {
  cheapCertifiedKey,
  cheapClientVerifier,
  cheapProvider,
  cheapServerVerifier,
  cheapSuite,
} from './cheap_provider.ts';

/** One handshake message, or what a record of another type had in it. */
export interface Item {
  readonly type: ContentType;
  readonly content: Uint8Array;
  /** Which key it is under: 0 none, 1 that of the handshake, from 2 on those of traffic. */
  readonly epoch: number;
}

/** Everything that was sent to `victim`. */
export interface Script {
  readonly victim: Role;
  readonly items: readonly Item[];
  /** Traffic secrets by epoch; there is none for 0. */
  readonly secrets: readonly (Uint8Array | undefined)[];
  /** A new end just like the one that the items were for. */
  readonly newVictim: () => Connection;
}

const stapled: CertifiedKey = {
  ...cheapCertifiedKey(),
  ocspResponse: Uint8Array.of(0x30, 3, 10, 1, 0),
  sctList: Uint8Array.of(0, 7, 0, 1, 7, 0, 2, 8, 9),
};

/** In half of the scripts: the others have certificates as they are. */
function compression(withRetry: boolean): Partial<CertificateCompression> {
  return withRetry ? {} : certificateCompression(['zlib']);
}

function newClientConfig(withRetry: boolean, keyLog?: KeyLog): ClientConfig {
  return clientConfig({
    ...compression(withRetry),
    provider: cheapProvider(),
    verifier: { ...cheapServerVerifier, requestOcspResponse: true, requestSctList: true },
    certificate: stapled,
    alpnProtocols: ['h2', 'http/1.1'],
    keyLog,
  });
}

function newServerConfig(withRetry: boolean): ServerConfig {
  const provider = cheapProvider();
  const keyExchangeGroups = provider.keyExchangeGroups.slice(withRetry ? 1 : 0);
  return serverConfig({
    ...compression(withRetry),
    provider: { ...provider, keyExchangeGroups },
    certificate: stapled,
    clientVerifier: { ...cheapClientVerifier, requestOcspResponse: true, requestSctList: true },
    alpnProtocols: ['http/1.1'],
  });
}

const name = 'server.example.com';

/** Records a handshake with everything in it, data, a KeyUpdate, more data and close_notify. */
export function recordScript(victim: Role, withRetry: boolean): Script {
  const secrets = new Map<KeyLogLabel, Uint8Array>();
  const log: KeyLog['log'] = (label, _random, secret) => void secrets.set(label, secret.slice());
  const pair = new Pair({
    client: newClientConfig(withRetry, { log }),
    server: newServerConfig(withRetry),
    serverName: name,
  });
  void pair.run();
  const peer = victim === 'client' ? 'server' : 'client';
  const data = Uint8Array.from({ length: 100 }, (_, i) => i);
  void pair[peer].send(data);
  void pair[peer].updateKeys();
  void pair[peer].send(data);
  void pair[peer].close();
  void pair.run();
  if (pair[victim].error !== undefined || !pair[victim].peerClosed) throw new Error('not a recording of success');

  const label = peer.toUpperCase() as Uppercase<Role>;
  const ofHandshake = secrets.get(`${label}_HANDSHAKE_TRAFFIC_SECRET`)!;
  const ofTraffic = secrets.get(`${label}_TRAFFIC_SECRET_0`)!;
  return {
    victim,
    items: itemsOf(concat(pair.sent[peer])),
    secrets: [undefined, ofHandshake, ofTraffic, nextTrafficSecret(cheapSuite, ofTraffic.slice())],
    newVictim: () =>
      victim === 'client'
        ? new ClientConnection(newClientConfig(withRetry), name)
        : new ServerConnection(newServerConfig(withRetry)),
  };
}

/** The cheap AEAD leaves everything legible. */
function itemsOf(stream: Uint8Array): Item[] {
  const deframer = new Deframer();
  deframer.push(stream);
  const joiner = new Joiner();
  const items: Item[] = [];
  let epoch = 1;
  for (let record = deframer.next(tls13MaxLength); record !== undefined; record = deframer.next(tls13MaxLength)) {
    const isProtected = record.type === ContentType.application_data;
    const inner = concat(record.payload).slice(0, isProtected ? -16 : undefined);
    const type = isProtected ? inner.at(-1)! : record.type;
    const content = isProtected ? inner.subarray(0, -1) : inner;
    if (type !== ContentType.handshake) {
      items.push({ type, content, epoch: isProtected ? epoch : 0 });
      continue;
    }
    joiner.push(content);
    for (let message = joiner.next(); message !== undefined; message = joiner.next()) {
      items.push({ type, content: message.raw, epoch: isProtected ? epoch : 0 });
      if (message.type === HandshakeType.finished || message.type === HandshakeType.key_update) epoch++;
    }
  }
  return items;
}

/**
 * The items as records. Handshake messages under one key that follow each other are one stream, cut into fragments of
 * the sizes in `cuts`, taken in turn, over and over; 0 is a message as it is.
 */
export function recordsFrom({ secrets }: Script, items: readonly Item[], cuts: readonly number[]): Uint8Array {
  const sealers = secrets.map((secret) => (secret === undefined ? undefined : new RawSealer(cheapSuite, secret)));
  const records: Uint8Array[] = [];
  let cut = 0;
  const emit = (type: ContentType, content: Uint8Array, epoch: number): void => {
    const sealer = sealers[epoch];
    if (sealer === undefined) {
      records.push(Uint8Array.of(type, 3, 3, content.length >> 8, content.length & 0xff), content);
    } else {
      records.push(sealer.record(type, content));
    }
  };
  for (let i = 0; i < items.length;) {
    const { type, epoch } = items[i]!;
    let content = items[i++]!.content;
    if (type === ContentType.handshake) {
      while (items[i]?.type === type && items[i]?.epoch === epoch) content = concat([content, items[i++]!.content]);
    }
    if (content.length === 0) emit(type, content, epoch);
    for (let at = 0; at < content.length;) {
      const size = cuts.length === 0 ? 0 : cuts[cut++ % cuts.length]!;
      const end = type === ContentType.handshake && size > 0 ? at + size : content.length;
      emit(type, content.subarray(at, end), epoch);
      at = end;
    }
  }
  return concat(records);
}

/** What the last record of an output says, if it is a fatal alert. */
export function fatalAlertIn(output: Uint8Array): AlertDescription | undefined {
  const deframer = new Deframer();
  deframer.push(output);
  let last = deframer.next(tls13MaxLength);
  for (let next = last; next !== undefined; next = deframer.next(tls13MaxLength)) last = next;
  if (last === undefined || deframer.take().length > 0) return undefined;
  const payload = concat(last.payload);
  const isProtected = last.type === ContentType.application_data;
  const [level, alert] = payload;
  const type = isProtected ? payload[payload.length - 17] : last.type;
  return type === ContentType.alert && level === 2 && payload.length === (isProtected ? 19 : 2) ? alert : undefined;
}
