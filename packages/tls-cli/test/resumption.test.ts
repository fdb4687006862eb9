/** Sessions from one run of the commands to the next. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { client, folder, server, trust } from './commands.ts';

const versions = ['1.3', '1.2'] as const;
let caches = 0;

/** The name of a file that is not there yet. */
const newCache = (): string => `sessions${caches++}`;

/** The kind of handshake that a client says it had, and what else it says on standard error. */
async function visit(port: string, args: readonly string[]): Promise<{ kind: string | undefined; stderr: string }> {
  const { status, stdout, stderr } = await client(
    ['--port', port, ...trust, '--verbose', ...args, 'localhost'],
    'ping',
  );
  expect({ status, echoed: stdout.toString(), stderr }).toEqual({ status: 0, echoed: 'ping', stderr });
  return { kind: /^handshake +(.*)$/m.exec(stderr)?.[1], stderr };
}

describe.each(versions)('TLS %s', (version) => {
  const protover = ['--protover', version];

  test.each(['--resumption', '--tickets'])('resumes across runs of a client, with tlsserver %s', async (option) => {
    const { port, stderr } = await server([option, ...protover, '--verbose', 'echo']);
    const cache = ['--cache', newCache()];
    for (const expected of ['full', 'resumed', 'resumed']) {
      expect(await visit(port, cache)).toMatchObject({ kind: expected });
    }
    expect([...stderr().matchAll(/^handshake +(.*)$/gm)].map(([, kind]) => kind)).toEqual([
      'full',
      'resumed',
      'resumed',
    ]);
    // Another file knows nothing of it.
    expect(await visit(port, ['--cache', newCache()])).toMatchObject({ kind: 'full' });
  });

  test('resumes with the certificate of the client that began, and with no other', async () => {
    const { port, stderr } = await server(['--resumption', ...protover, '--auth', 'ca.pem', '--verbose', 'echo']);
    const cache = ['--cache', newCache()];
    const user = ['--auth-certs', 'user.pem', '--auth-key', 'user.key'];
    for (const expected of ['full', 'resumed']) {
      expect(await visit(port, [...cache, ...user])).toMatchObject({ kind: expected });
      expect(await visit(port, cache)).toMatchObject({ kind: expected });
    }
    const certificates = [...stderr().matchAll(/^peer certificates +(.*)$/gm)].map(([, count]) => count);
    expect(certificates).toEqual(['1', '-', '1', '-']);
  });

  test('is resumed by nobody where the server keeps nothing, or the client', async () => {
    const { port } = await server([...protover, 'echo']);
    const cache = newCache();
    expect(await visit(port, ['--cache', cache])).toMatchObject({ kind: 'full' });
    expect(await visit(port, ['--cache', cache])).toMatchObject({ kind: 'full' });
    expect(readFileSync(join(folder, cache), 'utf8')).toBe('{"format":"tyls client sessions 1","servers":[]}\n');
    const keeping = await server(['--resumption', ...protover, 'echo']);
    expect(await visit(keeping.port, ['--no-tickets'])).toMatchObject({ kind: 'full' });
    expect(await visit(keeping.port, ['--no-tickets'])).toMatchObject({ kind: 'full' });
  });

  test('goes on in full where the sessions of a file have been tampered with', async () => {
    const { port } = await server(['--resumption', ...protover, 'echo']);
    const name = newCache();
    await visit(port, ['--cache', name]);
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    // Sessions are the long texts of base64; the keys are shorter.
    writeFileSync(
      path,
      text.replaceAll(/"[\w+/=]{100,}"/g, (session) => `"AAAA${session.slice(5)}`),
    );
    expect(readFileSync(path, 'utf8')).not.toBe(text);
    expect(await visit(port, ['--cache', name])).toMatchObject({ kind: 'full' });
    expect(await visit(port, ['--cache', name])).toMatchObject({ kind: 'resumed' });
  });
});

test('a request goes early where a session allows it, and is answered in any case', async () => {
  const { port, stderr } = await server(['--resumption', '--max-early-data', '1000', '--verbose', 'http']);
  const { port: other } = await server(['--resumption', '--max-early-data', '10', 'http']);
  const cache = ['--cache', newCache()];
  const fetched = async (at: string): Promise<string | undefined> => {
    const args = ['--port', at, ...trust, '--http', '--early-data', ...cache, '--verbose', 'localhost'];
    const { status, stdout, stderr: said } = await client(args);
    expect({ status, said }).toEqual({ status: 0, said });
    expect(stdout.toString()).toContain('Hello world from tlsserver');
    return /^early data +(.*)$/m.exec(said)?.[1];
  };
  const late = 'not accepted, sent after the handshake';
  expect(await fetched(port)).toBe(late);
  expect(await fetched(port)).toBe('accepted');
  expect([...stderr().matchAll(/^early data +(.*)$/gm)].map(([, what]) => what)).toEqual([
    '-',
    expect.stringMatching(/^\d+ bytes$/),
  ]);
  // Of another server, that knows no such session; and then one that takes less.
  expect(await fetched(other)).toBe(late);
  expect(await fetched(other)).toBe(late);
});

test("a file of sessions is its owner's alone", async () => {
  const { port } = await server(['--resumption', 'echo']);
  const name = newCache();
  await visit(port, ['--cache', name]);
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test('a file that is something else is warned of, and left alone', async () => {
  const { port } = await server(['--resumption', 'echo']);
  const { kind, stderr } = await visit(port, ['--cache', 'user.key']);
  expect(kind).toBe('full');
  expect(stderr).toContain('tlsclient: user.key: it has something else in it than sessions; no sessions are kept\n');
  expect(readFileSync(join(folder, 'user.key'), 'utf8')).toContain('PRIVATE KEY');
});
