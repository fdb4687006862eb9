/** What must not work: connections that every backend has to refuse, and what the user is told. */
import { createCa, type TestCa, type TestIdentity } from '@tyls/testing';
import { connect, createServer } from '@tyls/tls-node';
import { once } from 'node:events';
import { backends } from './backends.ts';
import { listen, type Result } from './matrix.ts';

const dayMillis = 24 * 60 * 60 * 1000;

interface Attempt {
  readonly what: string;
  readonly identity: TestIdentity;
  readonly serverName: string;
  readonly ca: TestCa;
  /** The error that it must end with. */
  readonly code: string;
}

export const header: readonly string[] = ['attempt', 'client', 'result'];

export async function runRefusals(ca: TestCa, identity: TestIdentity): Promise<readonly Result[]> {
  const expired = await ca.issue({
    names: ['localhost'],
    notBefore: new Date(Date.now() - 2 * dayMillis),
    notAfter: new Date(Date.now() - dayMillis),
  });
  const good = { identity, serverName: 'localhost', ca };
  const attempts: Attempt[] = [
    { ...good, what: 'wrong name', serverName: 'example.org', code: 'InvalidCertificate.NotValidForName' },
    {
      ...good,
      what: 'unknown issuer',
      ca: await createCa({ name: 'somebody else' }),
      code: 'InvalidCertificate.UnknownIssuer',
    },
    { ...good, what: 'expired certificate', identity: expired, code: 'InvalidCertificate.Expired' },
  ];
  const results: Result[] = [];
  for (const attempt of attempts) {
    const server = createServer({ certificate: attempt.identity.chainPem, key: attempt.identity.privateKeyPem });
    // That the client hangs up is what this is about.
    server.on('tlsClientError', () => {});
    const port = await listen(server);
    for (const client of Object.keys(backends)) {
      const refusal = await refuse(attempt, port, client);
      const ok = refusal?.code === attempt.code;
      const told =
        refusal === undefined ? 'FAILED: it was accepted' : `${ok ? 'refused' : 'FAILED'}: ${refusal.message}`;
      results.push({ ok, cells: [attempt.what, client, told] });
    }
    server.close();
  }
  return results;
}

/** @returns the error, or `undefined` if there was none */
async function refuse(
  { serverName, ca }: Attempt,
  port: number,
  client: string,
): Promise<NodeJS.ErrnoException | undefined> {
  const provider = backends[client];
  const socket = connect({ host: '127.0.0.1', port, serverName, ca: ca.certificatePem, provider });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  } finally {
    socket.destroy();
  }
}
