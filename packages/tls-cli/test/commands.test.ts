import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { client, commandLine, folder, outcome, server, start, startCommand, trust } from './commands.ts';

describe('a client and a server', () => {
  test.each(['node', 'noble', 'webcrypto'])('echo with the %s provider', async (provider) => {
    const { port, stderr } = await server(['--provider', provider, '--verbose', 'echo']);
    const input = randomBytes(1_000_000);
    const done = await client(['--port', port, ...trust, '--provider', provider, '--verbose', 'localhost'], input);
    expect(done.status).toBe(0);
    expect(done.stdout.equals(input)).toBe(true);
    expect(done.stderr).toMatch(/^version +TLSv1.3\n.*\ngroup +X25519\n/);
    expect(stderr()).toMatch(/server name +localhost\n/);
  });

  test('agree on what the options say', async () => {
    const { port } = await server(['--group', 'secp256r1', '--group', 'x25519', '--proto', 'h2', 'echo']);
    const options = [
      '--suite',
      'TLS13_CHACHA20_POLY1305_SHA256',
      '--group',
      'SECP256R1',
      '--proto',
      'h3',
      '--proto',
      'h2',
    ];
    const more = ['--mtu', '64', '--protover', '1.3', '--no-sni', '--verbose'];
    const done = await client(['--port', port, ...trust, ...options, ...more, 'localhost'], 'x'.repeat(500));
    expect(done).toMatchObject({ status: 0, stdout: Buffer.from('x'.repeat(500)) });
    expect(done.stderr).toMatch(/cipher suite +TLS_CHACHA20_POLY1305_SHA256\ngroup +secp256r1\n.*\nALPN +h2\n/);
  });

  test('speak TLS 1.2', async () => {
    const { port } = await server(['echo']);
    const done = await client(['--port', port, ...trust, '--protover', '1.2', '--verbose', 'localhost'], 'ping');
    expect(done).toMatchObject({ status: 0, stdout: Buffer.from('ping') });
    expect(done.stderr).toMatch(/^version +TLSv1.2\ncipher suite +TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n/);
  });

  test('speak HTTP', async () => {
    const { port } = await server(['http']);
    const fetched = await client(['--port', port, ...trust, '--http', 'localhost']);
    expect(fetched.status).toBe(0);
    expect(fetched.stdout.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Hello world from tlsserver\r\n$/s);
    const piped = await client(['--port', port, ...trust, '127.0.0.1'], 'GET / HTTP/1.0\r\n\r\n');
    expect(piped.stdout.toString()).toContain('Hello world');
  });

  test('name the host and the port that is asked', async () => {
    const target = createServer((socket) => void socket.once('data', (request) => void socket.end(request)));
    onTestFinished(() => void target.close());
    await once(target.listen(0, '127.0.0.1'), 'listening');
    const { port } = await server(['forward', (target.address() as AddressInfo).port.toString()]);
    const { stdout } = await client(['--port', port, ...trust, '--http', 'localhost']);
    expect(stdout.toString()).toContain(`\r\nHost: localhost:${port}\r\n`);
  });

  test('forward, each direction to its own end', async () => {
    const target = createServer({ allowHalfOpen: true }, (socket) => {
      let request = '';
      socket.on('data', (chunk: Buffer) => void (request += chunk.toString()));
      socket.on('end', () => socket.end(request.toUpperCase()));
    });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    onTestFinished(() => void target.close());
    const { port } = await server(['forward', String((target.address() as AddressInfo).port)]);
    expect(await client(['--port', port, ...trust, 'localhost'], 'quiet')).toMatchObject({
      status: 0,
      stdout: Buffer.from('QUIET'),
    });
  });

  test('tell of a target that is not there', async () => {
    const { port, stderr } = await server(['forward', '1']);
    // Without input: what the server has not read would make the kernel reset the connection instead.
    const done = await client(['--port', port, ...trust, 'localhost']);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/^tlsclient: the peer ended the connection without close_notify.*\n$/);
    expect(stderr()).toContain('tlsserver: connect ECONNREFUSED 127.0.0.1:1\n');
  });

  test('authenticate the client', async () => {
    const { port, stderr } = await server(['--auth', 'ca.pem', '--require-auth', 'echo']);
    const user = ['--auth-certs', 'user.pem', '--auth-key', 'user.key'];
    expect(await client(['--port', port, ...trust, ...user, 'localhost'], 'hi')).toMatchObject({ status: 0 });
    const refused = await client(['--port', port, ...trust, 'localhost']);
    expect(refused).toMatchObject({ status: 1, stderr: 'tlsclient: the peer sent the alert certificate_required\n' });
    expect(stderr()).toContain('tlsserver: the peer sent no certificate, and one is required\n');

    const optional = await server(['--auth', 'ca.pem', 'echo']);
    expect(await client(['--port', optional.port, ...trust, 'localhost'], 'hi')).toMatchObject({ status: 0 });
  });

  test('log their secrets alike', async () => {
    const { port } = await server(['--key-log', 'server.log', 'echo']);
    await client(['--port', port, ...trust, '--key-log', 'client.log', 'localhost'], 'hi');
    const [ours, theirs] = ['client.log', 'server.log'].map((name) =>
      readFileSync(join(folder, name), 'utf8').trim().split('\n').toSorted(),
    );
    expect(ours).toHaveLength(5);
    expect(ours).toEqual(theirs);
  });
});

test('what happens in a connection can be followed on both sides', async () => {
  const { port, stderr } = await server(['--trace', 'echo']);
  const done = await client(['--port', port, ...trust, '--trace', 'localhost'], 'ping');
  expect(done.status).toBe(0);
  expect(done.stderr).toMatch(
    /^#1 sent client_hello, \d+ bytes\n.*#1 negotiated TLSv1_3, .*, full\n.*#1 received certificate, \d+ bytes\n/s,
  );
  expect(done.stderr).toMatch(/#1 sent finished, .*#1 handshake complete\n.*#1 received warning alert close_notify\n/s);
  expect(done.stderr).toMatch(/\n#1 ended, \d+ protected records sent, \d+ received\n$/);
  expect(stderr()).toMatch(/\n#1 received client_hello, .*#1 sent certificate, /s);
  const refused = await client(['--port', port, '--trace', 'localhost']);
  expect(refused.stderr).toMatch(
    /\n#1 sent fatal alert unknown_ca\n.*#1 ended, .*: InvalidCertificate\.UnknownIssuer\n/s,
  );
  expect(stderr()).toMatch(/\n#2 received fatal alert unknown_ca\n/);
});

describe('a client', () => {
  test('refuses whom it does not trust, in one line', async () => {
    const { port } = await server(['echo']);
    const stranger = await client(['--port', port, 'localhost'], 'secret');
    expect(stranger).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });
    expect(stranger.stderr).toMatch(/^tlsclient: invalid peer certificate: its issuer is unknown.*\n$/);
    expect(await client(['--port', port, '--insecure', 'localhost'], 'x')).toMatchObject({ status: 0 });
  });

  test('reports a port where nobody listens', async () => {
    const done = await client(['--port', '1', '127.0.0.1'], '');
    expect(done).toMatchObject({ status: 1, stderr: 'tlsclient: connect ECONNREFUSED 127.0.0.1:1\n' });
  });

  test('ends when the server does, though its input stays open', async () => {
    const { port } = await server(['http']);
    const child = startCommand('tlsclient', ['--port', port, ...trust, 'localhost']);
    child.stdin.write('GET / HTTP/1.0\r\n\r\n');
    const done = await outcome(child);
    expect(done.status).toBe(0);
    expect(done.stdout.toString()).toContain('Hello world');
  });

  test('minds no reader that has had enough', async () => {
    const { port } = await server(['echo']);
    const child = startCommand('tlsclient', ['--port', port, ...trust, 'localhost']);
    child.stdin.write(Buffer.alloc(5_000_000));
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await outcome(child)).toMatchObject({ status: 0, stderr: '' });
  });

  test.runIf(existsSync('/dev/full'))('says so when its output cannot be written', async () => {
    const { port } = await server(['echo']);
    const shell = start('sh', [
      '-c',
      'exec "$@" > /dev/full',
      'sh',
      ...commandLine('tlsclient', ['--port', port, ...trust, 'localhost']),
    ]);
    shell.stdin.end('hello');
    const { status, stderr } = await outcome(shell);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^tlsclient: ENOSPC.*\n$/);
  });
});

test('a port that is taken is said to be', async () => {
  const { port } = await server(['echo']);
  const child = startCommand('tlsserver', ['--certs', 'server.pem', '--key', 'server.key', '--port', port, 'echo']);
  expect(await outcome(child)).toMatchObject({
    status: 1,
    stderr: `tlsserver: cannot listen on port ${port}: it is in use\n`,
  });
});

describe('a command line at fault ends with status 2', () => {
  const identity = ['--certs', 'server.pem', '--key', 'server.key'];
  test.each<['tlsclient' | 'tlsserver', string[], string]>([
    ['tlsclient', [], "missing required argument 'host'"],
    ['tlsclient', ['--frobnicate', 'localhost'], "unknown option '--frobnicate'"],
    ['tlsclient', ['localhost', 'otherhost'], 'too many arguments'],
    ['tlsclient', ['not a name'], 'not a DNS name or IP address: "not a name"'],
    ['tlsclient', ['--port', '99999', 'localhost'], 'It is a number from 1 to 65535.'],
    ['tlsclient', ['--mtu', '5', 'localhost'], 'It is a number from 32 to 16384.'],
    ['tlsclient', ['--protover', '1.1', 'localhost'], '--protover 1.1: there are 1.2 and 1.3'],
    ['tlsclient', ['--suite', 'RC4', 'localhost'], '--suite RC4: there are TLS_AES_256_GCM_SHA384, '],
    ['tlsclient', ['--group', 'x', 'localhost'], '--group x: there are X25519, '],
    ['tlsclient', ['--group', 'X25519', '--group', 'x25519', 'localhost'], '--group names one twice'],
    ['tlsclient', ['--provider', 'magic', 'localhost'], 'Allowed choices are node, noble, webcrypto.'],
    ['tlsclient', ['--cafile', 'missing.pem', 'localhost'], '--cafile: ENOENT'],
    ['tlsclient', ['--cafile', 'server.key', 'localhost'], '--cafile: no certificate in this PEM text'],
    ['tlsclient', ['--insecure', '--cafile', 'ca.pem', 'localhost'], '--insecure makes nothing of --cafile'],
    ['tlsclient', ['--insecure', '--cache', 'sessions', 'localhost'], '--cache is not for --insecure'],
    ['tlsclient', ['--no-tickets', '--cache', 'sessions', 'localhost'], '--no-tickets makes nothing of --cache'],
    ['tlsclient', ['--early-data', '--http', 'localhost'], '--early-data needs --http, for what to send, and --cache'],
    ['tlsclient', ['--early-data', '--cache', 'unused', 'localhost'], '--early-data needs --http'],
    ['tlsserver', [...identity, '--max-early-data', '100', 'forward', '80'], 'forward takes no --max-early-data'],
    ['tlsserver', [...identity, '--max-early-data', '100', 'http'], '--max-early-data needs --resumption'],
    ['tlsserver', [...identity, '--resumption', '--tickets', '--max-early-data', '9', 'http'], 'without --tickets'],
    ['tlsclient', ['--cache', 'missing/sessions', 'localhost'], '--cache: ENOENT'],
    ['tlsclient', ['--auth-key', 'user.key', 'localhost'], '--auth-certs and --auth-key go together'],
    ['tlsclient', ['--key-log', 'missing/keys.log', 'localhost'], '--key-log: ENOENT'],
    ['tlsserver', ['echo'], "required option '--certs <file>' not specified"],
    ['tlsserver', [...identity], "missing required argument 'mode'"],
    ['tlsserver', [...identity, 'gopher'], 'Allowed choices are echo, http, forward.'],
    ['tlsserver', [...identity, 'forward'], 'forward needs the port to forward to'],
    ['tlsserver', [...identity, 'echo', '80'], 'echo takes no port'],
    ['tlsserver', [...identity, '--require-auth', 'echo'], '--require-auth needs --auth'],
    ['tlsserver', [...identity, '--auth', 'server.key', 'echo'], '--auth: no certificate in this PEM text'],
    [
      'tlsserver',
      ['--certs', 'server.pem', '--key', 'user.key', '--provider', 'webcrypto', 'echo'],
      'the private key is not the key of the (first) certificate',
    ],
  ])('%s %j', async (name, args, complaint) => {
    const child = startCommand(name, args);
    child.stdin.end();
    const { status, stdout, stderr } = await outcome(child);
    expect(stderr).toContain(complaint);
    expect(stderr).toMatch(/^error: /);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 2, stdout: '' });
  });

  test.each(['tlsclient', 'tlsserver'] as const)('while %s --help is none', async (name) => {
    const { status, stdout, stderr } = await outcome(startCommand(name, ['--help']));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/^Usage: .*Options:.*Examples:.*Exit status:/s);
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;
if (!openssl) console.warn('no openssl here: the commands are not tried against it');

describe.runIf(openssl)('OpenSSL', () => {
  test('is served, with a stapled OCSP response', async () => {
    const { port } = await server(['--ocsp', 'ocsp.der', '--auth', 'ca.pem', '--require-auth', 'http']);
    const verify = ['-CAfile', 'ca.pem', '-verify_return_error', '-servername', 'localhost', '-status', '-ign_eof'];
    const user = ['-cert', 'user.pem', '-key', 'user.key'];
    const child = start('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...verify, ...user]);
    child.stdin.write('GET / HTTP/1.0\r\n\r\n');
    const { status, stdout } = await outcome(child);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('Hello world from tlsserver');
    expect(stdout.toString()).toContain('trylater');
    expect(stdout.toString()).toContain('Verify return code: 0 (ok)');
  });

  test('serves', async () => {
    const args = ['-accept', '127.0.0.1:0', '-cert', 'server.pem', '-key', 'server.key', '-www', '-naccept', '1'];
    const child = start('openssl', ['s_server', ...args]);
    let said = '';
    const port = await new Promise<string>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const found = /^ACCEPT .*:(\d+)$/m.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const { status, stdout } = await client(['--port', port, ...trust, '--http', 'localhost']);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('TLS_AES_256_GCM_SHA384');
  });
});
