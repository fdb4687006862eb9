/**
 * TLS clients of JavaScript from npm, each with the chain and the name to verify; what they leave out, tyls has still to
 * do. None is for more than these figures.
 */
import { loadX509FromDer, makeTLSClient, setCryptoImplementation } from '@reclaimprotocol/tls';
import { pureJsCrypto } from '@reclaimprotocol/tls/purejs-crypto';
import { testName } from '@tyls/testing';
import { startTls, TrustedCert } from 'subtls/index.js';
import { type WebChain } from './pki.ts';

/** The server of one connection. @returns what it says to a flight of the client's; empty when it is content */
export type Answer = (flight: Uint8Array) => Uint8Array;

/** A handshake with a new connection, until the server has the client's Finished. */
export type ClientHandshake = (answer: Answer) => Promise<void>;

const silent = { info() {}, debug() {}, trace() {}, warn() {}, error() {} };

/**
 * `@reclaimprotocol/tls` on noble, in TLS 1.3 with X25519 and ChaCha20-Poly1305.
 *
 * Does not check basicConstraints, path lengths, name constraints, key usages or critical extensions, and always trusts
 * Mozilla's roots besides. Its random bytes are `Math.random()`'s.
 */
export function reclaimHandshake({ root }: WebChain): ClientHandshake {
  setCryptoImplementation(pureJsCrypto);
  const rootCAs = [loadX509FromDer(root)];
  return async (answer) => {
    const flight: Uint8Array[] = [];
    let failure: Error | undefined;
    const client = makeTLSClient({
      host: testName,
      rootCAs,
      supportedProtocolVersions: ['TLS1_3'],
      namedCurves: ['X25519'],
      cipherSuites: ['TLS_CHACHA20_POLY1305_SHA256'],
      fetchCertificateBytes: () => Promise.reject(new Error('nothing is fetched')),
      logger: silent,
      write: ({ header, content }) => void flight.push(header, content),
      onTlsEnd: (error) => (failure = error),
    });
    await client.startHandshake();
    while (!client.isHandshakeDone()) {
      await client.handleReceivedBytes(answer(Buffer.concat(flight.splice(0))));
      if (failure !== undefined) throw failure;
    }
    answer(Buffer.concat(flight));
  };
}

/** What `subtls` calls `ReadMode.CONSUME`; the other is to look only. */
const consume = 0;

/**
 * `subtls` on WebCrypto, in TLS 1.3 with P-256 and AES-128-GCM, the only ones that it has.
 *
 * Does not check name constraints, critical extensions or the key usages of CAs, and takes the chain in the order in which
 * it comes. It says of itself that it is a proof of concept.
 */
export async function subtlsHandshake({ rootPem }: WebChain): Promise<ClientHandshake> {
  const roots = await TrustedCert.databaseFromPEM(rootPem);
  return async (answer) => {
    let unread: Uint8Array = new Uint8Array(0);
    // Its types do not show the second argument.
    const read = (bytes: number, mode = consume): Promise<Uint8Array | undefined> => {
      if (unread.length < bytes) return Promise.resolve(undefined);
      const data = unread.subarray(0, bytes);
      if (mode === consume) unread = unread.subarray(bytes);
      return Promise.resolve(data);
    };
    const write = (flight: Uint8Array): void => void (unread = answer(flight));
    // It asks of CAs the key usage digitalSignature, which theirs need not have (RFC 5280 section 4.2.1.3).
    const connection = await startTls(testName, roots, read, write, { requireDigitalSigKeyUsage: false });
    // Its Finished goes out before it reads for the first time; there is nothing to read.
    await connection.read();
  };
}
