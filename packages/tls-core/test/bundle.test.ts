/** What a program is bundled without: TLS 1.2 with TLS 1.3 alone, and what a client has no use for. */
import { build, type Plugin } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** The sources, as the aliases of the tests have them. */
const sources: Plugin = {
  name: 'sources',
  setup(bundler) {
    bundler.onResolve({ filter: /^@tyls\// }, ({ path }) => {
      const [, name, entry = 'index'] = path.split('/');
      return { path: `${packages}${name}/src/${entry}.ts`, sideEffects: false };
    });
  },
};

async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: packages, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    minify: false,
    treeShaking: true,
    logLevel: 'error',
    plugins: [sources],
  });
  return outputFiles[0]!.text;
}

/** Programs of each role, with a provider of that name. */
const programs: Readonly<Record<string, (provider: string) => string>> = {
  client: (provider) => `
    import { clientConfig, ClientConnection } from '@tyls/tls-core';
    import { ${provider} } from '@tyls/crypto-noble';
    export const connect = (verifier, name) =>
      new ClientConnection(clientConfig({ provider: ${provider}(), verifier }), name);
  `,
  server: (provider) => `
    import { serverConfig, ServerConnection, ticketer } from '@tyls/tls-core';
    import { ${provider} } from '@tyls/crypto-noble';
    const provider = ${provider}();
    export const accept = (certificate) =>
      new ServerConnection(serverConfig({ provider, certificate, ticketer: ticketer({ provider }) }));
  `,
};

const resolver = "export { serverCertResolver } from '@tyls/tls-core';";

/** Labels of the PRF, and the comments by which esbuild names the files that it took something from. */
const tls12Code = [
  "'master secret'",
  "'key expansion'",
  'keys/tls12_prf.ts',
  'record/protection_tls12.ts',
  'handshake/client_tls12.ts',
  'handshake/server_tls12.ts',
  'handshake/resumption_tls12.ts',
  'handshake/finished_tls12.ts',
  'messages/server_hello_tls12.ts',
  'src/tls12_cipher_suites.ts',
];
const found = (code: string, signs: readonly string[] = tls12Code): string[] => {
  const normal = code.replaceAll('"', "'");
  return signs.filter((sign) => normal.includes(sign));
};

test.each(Object.entries(programs))(
  'a %s with the suites of TLS 1.3 has no code of TLS 1.2',
  async (_role, program) => {
    const code = await bundle(program('nobleTls13Provider'));
    expect(code).toContain('tls13 ');
    expect(found(code)).toEqual([]);
    expect(code).not.toMatch(/\/\/ .*tls12_(?!protocol)/);
  },
);

test.each(Object.entries(programs))('a %s with all suites has it', async (_role, program) => {
  const code = await bundle(program('nobleProvider'));
  expect(code).toContain('tls13 ');
  expect(found(code)).toEqual(tls12Code);
});

/** What only a server, or whoever has a private key, needs. */
const othersCode = [
  'crypto/private_key.ts',
  'crypto/certificate_schemes.ts',
  'src/private_key.ts',
  'curves/abstract/edwards.js',
  'handshake/server_tls13.ts',
  'handshake/psk_server.ts',
];

test('a client with a provider for clients has no code for private keys, servers and Edwards curves', async () => {
  const code = await bundle(programs['client']!('nobleTls13ClientProvider'));
  expect(code).toContain('tls13 ');
  expect(found(code, othersCode)).toEqual([]);
});

/** What a minimal client does without. */
const extraCode = [
  'res binder',
  'c e traffic',
  'handshake/psk_client.ts',
  'handshake/early_data.ts',
  'src/compression.ts',
  'messages/compressed_certificate.ts',
  'keys/external_psk.ts',
  'sessions/memory.ts',
  'sessions/scope.ts',
  'sessions/session.ts',
  'function* signHandshake',
  'src/trace.ts',
  'record/secret_extraction.ts',
];

test('a minimal client has no code for PSKs, compression, certificates of its own, traces and extraction of secrets', async () => {
  const program = programs['client']!('nobleTls13ClientProvider');
  expect(found(await bundle(program), extraCode)).toEqual(extraCode);
  const without = await bundle(program.replaceAll('clientConfig', 'minimalClientConfig'));
  expect(without).toContain('tls13 ');
  expect(found(without, extraCode)).toEqual([]);
});

test('a server with all has it', async () => {
  expect(found(await bundle(programs['server']!('nobleProvider') + resolver), othersCode)).toEqual(othersCode);
});
