import { describe, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { pair, providers, readAll } from './peers.ts';

describe.each(Object.keys(providers))('a %s client', (clientName) => {
  test.each(Object.keys(providers))('and a %s server', async (serverName) => {
    const { client, server } = await pair({ provider: providers[serverName]! }, { provider: providers[clientName]! });
    expect(client.exportKeyingMaterial(32, 'EXPERIMENTAL')).toEqual(server.exportKeyingMaterial(32, 'EXPERIMENTAL'));
    server.pipe(server);
    const sent = randomBytes(300_000);
    client.end(sent);
    expect((await readAll(client)).equals(sent)).toBe(true);
    expect(client.protocolVersion).toBe('TLSv1.3');
    for (const fact of ['cipherSuite', 'keyExchangeGroup', 'handshakeKind'] as const) {
      expect(client[fact]).toBeTypeOf('string');
      expect(client[fact]).toBe(server[fact]);
    }
    expect(client.peerSignatureScheme).toBe('ecdsa_secp256r1_sha256');
    expect(server.peerSignatureScheme).toBeUndefined();
    expect(client.serverName).toBe('localhost');
    expect(server.serverName).toBe('localhost');
  });
});
