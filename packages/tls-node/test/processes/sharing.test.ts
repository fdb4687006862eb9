/** Sessions that leave the process in which they began. */
import { ProtocolVersion } from '@tyls/tls-core';
import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ca, identity } from '../peers.ts';
import { type ClientProgram } from './client.ts';
import { Program, programs } from './rpc.ts';
import { type ServerProgram } from './server.ts';

const { path, remove } = await programs('client', 'server');
afterAll(remove);

function start<F extends ClientProgram | ServerProgram>(name: string): Program<F> {
  const program = new Program<F>(path(name));
  onTestFinished(() => program.stop());
  return program;
}

const serverIdentity = { certificate: identity.chainPem, key: identity.privateKeyPem };

describe.each([
  ['TLS 1.3', ProtocolVersion.TLSv1_3],
  ['TLS 1.2', ProtocolVersion.TLSv1_2],
])('%s', (_name, version) => {
  const versions = [version];
  const trust = { ca: ca.certificatePem, versions };

  test("two server processes with the same ticket keys resume each other's sessions", async () => {
    const ticketKeys = [randomBytes(32)];
    const servers = [start<ServerProgram>('server'), start<ServerProgram>('server')];
    const ports = await Promise.all(
      servers.map((one) => one.call('listen', { ...serverIdentity, versions, ticketKeys })),
    );
    const client = start<ClientProgram>('client');
    const found: string[] = [];
    for (const index of [0, 1, 0, 1]) found.push(await client.call('visit', ports[index]!, trust));
    expect(found).toEqual(['full', 'resumed', 'resumed', 'resumed']);
    expect(await Promise.all(servers.map((one) => one.call('kinds')))).toEqual([
      ['full', 'resumed'],
      ['resumed', 'resumed'],
    ]);
    // One that has other keys does not.
    const stranger = start<ServerProgram>('server');
    const port = await stranger.call('listen', { ...serverIdentity, versions, ticketKeys: [randomBytes(32)] });
    expect(await client.call('visit', port, trust)).toBe('full');
  });

  test("two server processes with one store resume each other's sessions", async () => {
    const servers = [start<ServerProgram>('server'), start<ServerProgram>('server')];
    const storePort = await start<ServerProgram>('server').call('serveStore');
    const ports = await Promise.all(
      servers.map((one) => one.call('listen', { ...serverIdentity, versions, storePort })),
    );
    const client = start<ClientProgram>('client');
    const found: string[] = [];
    for (const index of [0, 1, 0, 1]) found.push(await client.call('visit', ports[index]!, trust));
    expect(found).toEqual(['full', 'resumed', 'resumed', 'resumed']);
  });

  test('a client process resumes what another exported', async () => {
    const port = await start<ServerProgram>('server').call('listen', { ...serverIdentity, versions });
    const [one, other] = [start<ClientProgram>('client'), start<ClientProgram>('client')];
    expect(await one.call('visit', port, trust)).toBe('full');
    expect(await other.call('visit', port, trust)).toBe('full');
    const exported = await one.call('exportSessions');
    const third = start<ClientProgram>('client');
    await third.call('importSessions', exported);
    expect(await third.call('visit', port, trust)).toBe('resumed');
  });
});
