// Run by scripts/smoke_packed.mjs in a project that has the packed packages installed, on several versions of Node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const scope = new URL('node_modules/@tyls/', import.meta.url);
const manifests = readdirSync(scope).map((name) =>
  JSON.parse(readFileSync(new URL(`${name}/package.json`, scope), 'utf8')),
);

const steps = [
  ['every entry point has exports, by import and by require', entryPoints],
  ['connections in memory, on every backend', inMemory],
  ['connections over TCP', overTcp],
  ['a certificate of an unknown issuer is refused', unknownIssuer],
  ['the commands run', commands],
];

async function main() {
  let failed = 0;
  for (const [name, run] of steps) {
    try {
      await run();
    } catch (error) {
      failed++;
      console.error(`Node ${process.version}: ${name}:`, error);
    }
  }
  console.log(`Node ${process.version}: ${steps.length - failed} of ${steps.length} steps`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function entryPoints() {
  for (const { name, exports } of manifests) {
    for (const entry of Object.keys(exports)) {
      if (entry === './package.json') continue;
      const specifier = name + entry.slice(1);
      const names = Object.keys(await import(specifier));
      assert.notEqual(names.length, 0, `${specifier} exports nothing`);
      // From 20.19 on a module without top-level await can be required too.
      for (const each of names) assert.ok(each in require(specifier), `require('${specifier}') lacks ${each}`);
    }
  }
}

const file = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

async function backends() {
  const { nodeProvider } = await import('@tyls/crypto-node');
  const { nobleProvider } = await import('@tyls/crypto-noble');
  const { withPostQuantum } = await import('@tyls/crypto-noble/post-quantum');
  const { webcryptoProvider } = await import('@tyls/crypto-webcrypto');
  return [nodeProvider(), nobleProvider(), webcryptoProvider(), withPostQuantum(nodeProvider())];
}

async function inMemory() {
  const { ClientConnection, clientConfig, ServerConnection, serverConfig } = await import('@tyls/tls-core');
  const { certificatesFromPem, privateKeyFromPem, rootStore, serverCertVerifier } = await import('@tyls/webpki');
  const roots = rootStore(file('ca.pem'));
  for (const provider of await backends()) {
    const key = await provider.loadPrivateKey(privateKeyFromPem(file('server.key')));
    const certificate = { certificates: certificatesFromPem(file('server.pem')), key };
    const server = new ServerConnection(serverConfig({ provider, certificate }));
    const verifier = serverCertVerifier({ roots, provider });
    const client = new ClientConnection(clientConfig({ provider, verifier }), 'localhost');
    await client.start();
    await client.send(Buffer.from('ping'));
    for (let flight = 0; flight < 4; flight++) {
      for (const piece of client.takeOutput()) await server.receive(piece);
      for (const piece of server.takeOutput()) await client.receive(piece);
    }
    assert.equal(Buffer.concat(server.takePlaintext()).toString(), 'ping');
    assert.equal(server.keyExchangeGroup, provider.keyExchangeGroups[0].name);
  }
}

/** A server that answers with what it got, for as long as `use` takes. */
async function withServer(use) {
  const { createServer } = await import('@tyls/tls-node');
  const server = createServer({ certificate: file('server.pem'), key: file('server.key') }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(server.address().port);
  } finally {
    server.close();
  }
}

async function overTcp() {
  const { connect } = await import('@tyls/tls-node');
  await withServer(async (port) => {
    for (const provider of await backends()) {
      const socket = connect({ host: '127.0.0.1', port, serverName: 'localhost', ca: file('ca.pem'), provider });
      socket.end('ping');
      const received = [];
      socket.on('data', (chunk) => received.push(chunk));
      await once(socket, 'end');
      assert.equal(Buffer.concat(received).toString(), 'ping');
    }
  });
}

async function unknownIssuer() {
  const { connect } = await import('@tyls/tls-node');
  await withServer(async (port) => {
    const socket = connect({ host: '127.0.0.1', port, serverName: 'localhost' });
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'InvalidCertificate.UnknownIssuer');
  });
}

function commands() {
  for (const name of ['tlsclient', 'tlsserver']) {
    const { bin } = manifests.find((manifest) => manifest.name === '@tyls/tls-cli');
    const script = fileURLToPath(new URL(`tls-cli/${bin[name]}`, scope));
    assert.match(
      execFileSync(process.execPath, [script, '--help'], { encoding: 'utf8' }),
      new RegExp(`Usage: ${name}`),
    );
  }
}

await main();
