import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createCa, type TestCa } from '@tyls/testing';
import { describeName } from '@tyls/webpki';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemRoots } from '@tyls/tls-node';
import { type SystemRoots, systemRootsFrom, type SystemRootSources } from '../src/system_roots.ts';

let folder: string;
let cas: readonly TestCa[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tyls-roots-'));
  cas = await Promise.all(['a', 'b', 'c'].map((name) => createCa({ name })));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pem = (...which: number[]): string => which.map((i) => cas[i]!.certificatePem).join('some text\n');

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** With hashed names, as OpenSSL wants them. */
function directory(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [one, content] of Object.entries(files)) writeFileSync(join(path, one), content);
  return path;
}

const from = (sources: Partial<SystemRootSources>): SystemRoots =>
  systemRootsFrom({ environment: {}, systemCertificates: undefined, files: [], ...sources });
const names = ({ anchors }: SystemRoots): string[] => anchors.map(({ subject }) => describeName(subject).slice(3));
const messages = ({ errors }: SystemRoots): string[] => errors.map(({ message }) => message);

describe('the environment', () => {
  const elsewhere: Partial<SystemRootSources> = { systemCertificates: () => [pem(2)] };

  test('names a file, which alone is read', () => {
    const roots = from({ ...elsewhere, environment: { SSL_CERT_FILE: file('two.pem', pem(0, 1, 0)) } });
    expect(names(roots)).toEqual(['a', 'b']);
    expect(roots.certificates).toEqual([cas[0]!.certificate, cas[1]!.certificate]);
    expect(roots.errors).toEqual([]);
  });

  test('names directories, in which the files with hashed names are read', () => {
    const one = directory('one', { '01234567.0': pem(1), '01234567.1': pem(2), 'b.pem': pem(0), README: '' });
    const two = directory('two', { 'fedcba98.0': pem(0) });
    symlinkSync('gone', join(two, '00000000.0'));
    const roots = from({ ...elsewhere, environment: { SSL_CERT_DIR: [one, two].join(delimiter) } });
    expect(names(roots)).toEqual(['b', 'c', 'a']);
    expect(roots.errors).toEqual([]);
  });

  test('names both', () => {
    const environment = {
      SSL_CERT_FILE: file('one.pem', pem(0)),
      SSL_CERT_DIR: directory('three', { '01234567.0': pem(0, 1) }),
    };
    expect(names(from({ ...elsewhere, environment }))).toEqual(['a', 'b']);
  });

  test('says nothing where it is empty', () => {
    expect(names(from({ ...elsewhere, environment: { SSL_CERT_FILE: '', SSL_CERT_DIR: '' } }))).toEqual(['c']);
  });

  test('names what is not there: then there are no roots, and it is said why', () => {
    const missing = join(folder, 'missing');
    const roots = from({ ...elsewhere, environment: { SSL_CERT_FILE: missing, SSL_CERT_DIR: missing } });
    expect(roots.anchors).toEqual([]);
    expect(messages(roots)).toEqual([
      expect.stringMatching(/missing: ENOENT/),
      expect.stringMatching(/missing: ENOENT/),
      'there are no root certificates in SSL_CERT_FILE and SSL_CERT_DIR',
    ]);
  });
});

describe('the system', () => {
  test('gives its certificates, each once, whatever else there is', () => {
    const files = [file('other.pem', pem(2))];
    const roots = from({ systemCertificates: () => [pem(1), pem(0), pem(1)], files });
    expect(names(roots)).toEqual(['b', 'a']);
  });

  test('has them in the first of the files that exist, where Node does not know or finds nothing', () => {
    const files = [join(folder, 'missing'), folder, file('first.pem', pem(0)), file('second.pem', pem(1))];
    expect(names(from({ files }))).toEqual(['a']);
    expect(names(from({ files, systemCertificates: () => [] }))).toEqual(['a']);
    const failing = from({
      files,
      systemCertificates: () => {
        throw new Error('no keychain');
      },
    });
    expect(names(failing)).toEqual(['a']);
    expect(messages(failing)).toEqual(["the system's certificates: no keychain"]);
  });

  test('may have none', () => {
    const roots = from({});
    expect(roots.anchors).toEqual([]);
    expect(messages(roots)).toEqual(['there are no root certificates of this system']);
  });
});

test('what is broken is left out, and does not spoil the rest', () => {
  const broken = pem(1).replace(/\n[A-Za-z0-9+/]{10}/, '\n!');
  const noCertificate = `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
  const environment = { SSL_CERT_FILE: file('broken.pem', [pem(0), broken, noCertificate, pem(2)].join('\n')) };
  const roots = from({ environment });
  expect(names(roots)).toEqual(['a', 'c']);
  expect(roots.certificates).toHaveLength(2);
  expect(messages(roots)).toEqual([
    expect.stringMatching(/broken\.pem: bad PEM block "CERTIFICATE"/),
    expect.stringMatching(/not correctly encoded/),
  ]);
  const empty = from({ environment: { SSL_CERT_FILE: file('empty.pem', 'nothing') } });
  expect(messages(empty)[0]).toMatch(/empty\.pem: no certificates/);
});

test("a program's own environment counts", () => {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  const restore = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    process.env['SSL_CERT_FILE'] = file('own.pem', pem(1));
    delete process.env['SSL_CERT_DIR'];
    expect(names(systemRoots())).toEqual(['b']);
    delete process.env['SSL_CERT_FILE'];
    const { anchors, errors } = systemRoots();
    // A machine has roots, or it is said that it has none.
    expect(anchors.length > 0).toBe(
      !errors.some(({ message }) => message.startsWith('there are no root certificates')),
    );
  } finally {
    restore('SSL_CERT_FILE', SSL_CERT_FILE);
    restore('SSL_CERT_DIR', SSL_CERT_DIR);
  }
});
