/** What all interoperation tests share: certificates, files, and which peers are here. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createCa, type KeyType, type TestIdentity, Workspace } from '@tyls/testing';
import { afterAll, describe, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

export const workspace = new Workspace();
afterAll(() => workspace.remove());

export const root = await createCa({ name: 'interop root' });
export const intermediate = await createCa({ name: 'interop intermediate', issuer: root });
/** A root that whoever is tested does not trust, or alone trusts. */
export const otherRoot = await createCa({ name: 'other root' });

const issued = new Map<KeyType, Promise<TestIdentity>>();

/** For `localhost`, under the intermediate CA. */
export function identityOf(keyType: KeyType): Promise<TestIdentity> {
  let identity = issued.get(keyType);
  if (identity === undefined) issued.set(keyType, (identity = intermediate.issue({ keyType, names: ['localhost'] })));
  return identity;
}

export const identity = await identityOf('p256');
export const alternative = { name: 'alternative.test', identity: await root.issue({ names: ['alternative.test'] }) };
const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
const before = new Date(Date.now() - 48 * 60 * 60 * 1000);
export const expired = await root.issue({ names: ['localhost'], notBefore: before, notAfter: yesterday });
export const clientIdentity = await intermediate.issue({ commonName: 'client of tests', usage: 'client' });
/** Of an issuer that the server does not know. */
export const strangerIdentity = await otherRoot.issue({ commonName: 'stranger', usage: 'client' });

/** A Node whose OpenSSL has post-quantum algorithms; `scripts/run_on.mjs` has fetched it, or has not. */
export const newerNode: string = (() => {
  try {
    const runOn = fileURLToPath(new URL('../../../scripts/run_on.mjs', import.meta.url));
    return execFileSync(process.execPath, [runOn, '26'], { encoding: 'utf8' }).trimEnd();
  } catch {
    return 'node26';
  }
})();

/** Programs by the arguments that print their version. */
const programs = {
  openssl: ['version'],
  'gnutls-cli': ['--version'],
  'gnutls-serv': ['--version'],
  // NSS, whose tools print no version of theirs.
  selfserv: ['-Y'],
  curl: ['--version'],
  'Node 26': ['-p', '`Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`'],
};
export type Program = keyof typeof programs;

/** The first line that a program prints of its version; `undefined` if it is not here. */
function versionOf(program: Program): string | undefined {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const output = execFileSync(commandOf(program), programs[program], { encoding: 'utf8', stdio: [...stdio] });
    return output === '' ? program : output.split('\n', 1)[0];
  } catch {
    return undefined;
  }
}

function commandOf(program: Program): string {
  return program === 'Node 26' ? newerNode : program;
}

export const versions: ReadonlyMap<Program, string | undefined> = new Map(
  (Object.keys(programs) as Program[]).map((program) => [program, versionOf(program)]),
);
const required = process.env['TYLS_REQUIRE_PEERS'] === '1';
for (const [program, version] of versions) {
  if (version === undefined && !required) {
    process.stderr.write(`interop: ${program} is not installed: its tests are skipped\n`);
  }
}

/** `describe` for the tests with a peer in one direction: where it is missing they are skipped, or fail as one. */
export function describeWith(program: Program | 'node'): (peers: string, tests: () => void) => void {
  if (program === 'node' || versions.get(program) !== undefined) return describe;
  if (!required) return describe.skip;
  return (peers) => test(`${peers}: installed`, () => expect(versions.get(program)).toBeDefined());
}
