/** That the peers verify: they refuse a chain up to another root. That they accept the right one is in `benches.test.ts`. */
import { ServerConnection } from '@tyls/tls-core';
import { expect, test } from 'vitest';
import { atOnce } from '../src/at_once.ts';
import { type Answer, reclaimHandshake, subtlsHandshake } from '../src/client_peers.ts';
import { tylsConfigs } from '../src/configs.ts';
import { webChain } from '../src/pki.ts';

test.each([
  { name: '@reclaimprotocol/tls', open: reclaimHandshake, suite: 'chacha20poly1305', refusal: 'does not match' },
  { name: 'subtls', open: subtlsHandshake, suite: 'aes128gcm', refusal: 'without reaching a trusted root' },
] as const)('$name refuses a chain up to another root', async ({ open, suite, refusal }) => {
  const { server: config } = await tylsConfigs(await webChain('ecdsa'), suite);
  const server = new ServerConnection(config);
  const answer: Answer = (flight) => {
    atOnce(server.receive(flight));
    return Buffer.concat(server.takeOutput());
  };
  const handshake = await open(await webChain('rsa'));
  await expect(handshake(answer)).rejects.toThrow(refusal);
  expect(server.isHandshaking).toBe(true);
});
