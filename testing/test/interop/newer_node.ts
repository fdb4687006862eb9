/** A newer Node than the running one as a peer, for what its OpenSSL has. */
import { PeerProcess } from '@tyls/testing';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { newerNode } from './world.ts';

/** `newer_node.mjs` with options of node:tls, until the test is finished. */
export function newerNodeAs(role: 'server' | 'client', options: object): PeerProcess {
  const script = fileURLToPath(new URL('newer_node.mjs', import.meta.url));
  const peer = new PeerProcess(newerNode, [script, role, JSON.stringify(options)]);
  onTestFinished(() => peer.stop());
  return peer;
}

export async function portOf(server: PeerProcess): Promise<number> {
  return Number((await server.output.until(/^port (\d+)$/m))[1]);
}
