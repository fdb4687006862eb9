/** The roots that the operating system, or whoever administers it, trusts. They are read anew at every call. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as tls from 'node:tls';
import { certificatesFromPem, type TrustAnchor, trustAnchorsFromCertificates } from '@tyls/webpki';

/** What {@link systemRoots} found; the caller's. */
export interface SystemRoots {
  /** To give to `roots`. */
  readonly anchors: readonly TrustAnchor[];
  /** The same as certificates in DER, each once. */
  readonly certificates: readonly Uint8Array[];
  /** What could not be read. Some systems always have a few such files; without any anchor it says why. */
  readonly errors: readonly Error[];
}

/** Where to look; a program's environment and system by default. */
export interface SystemRootSources {
  /** SSL_CERT_FILE names a file, SSL_CERT_DIR directories: where one of them is set, these alone are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The system's own certificates in PEM, where Node knows how to get them. */
  readonly systemCertificates: (() => readonly string[]) | undefined;
  /** Of these the first that exists is read, where Node does not know. */
  readonly files: readonly string[];
}

/** Where Linux distributions and BSDs have them. */
const wellKnownFiles: readonly string[] = [
  // Debian, Ubuntu, Arch, Gentoo
  '/etc/ssl/certs/ca-certificates.crt',
  // Fedora and RHEL
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  // openSUSE
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  // Alpine, OpenBSD, FreeBSD, macOS
  '/etc/ssl/cert.pem',
];

/**
 * The roots of the system, as OpenSSL programs find them: in SSL_CERT_FILE and SSL_CERT_DIR alone where the environment has
 * one of them, else what Node (22.15 and later) gets from the system, else in the first of the well-known files.
 *
 * Never throws: what cannot be read is among `errors`, and does not keep others from being used. A program that needs
 * roots has to look whether there are any.
 */
export function systemRoots(): SystemRoots {
  const { getCACertificates } = tls as { readonly getCACertificates?: (type: 'system') => string[] };
  return systemRootsFrom({
    environment: process.env,
    systemCertificates: getCACertificates === undefined ? undefined : () => getCACertificates('system'),
    files: wellKnownFiles,
  });
}

/** {@link systemRoots} from elsewhere. */
export function systemRootsFrom({ environment, systemCertificates, files }: SystemRootSources): SystemRoots {
  const found = new Found();
  const file = environment['SSL_CERT_FILE'];
  const directories = environment['SSL_CERT_DIR'];
  if (isSet(file) || isSet(directories)) {
    if (isSet(file)) found.addFile(file);
    for (const directory of isSet(directories) ? directories.split(delimiter) : []) found.addDirectory(directory);
    return found.roots('in SSL_CERT_FILE and SSL_CERT_DIR');
  }
  if (systemCertificates !== undefined) {
    found.attempt("the system's certificates", () => {
      for (const pem of systemCertificates()) found.addPem("the system's certificates", pem);
    });
  }
  const wellKnown = found.isEmpty ? files.find(isFile) : undefined;
  if (wellKnown !== undefined) found.addFile(wellKnown);
  return found.roots('of this system');
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

class Found {
  /** By their DER in hexadecimal: systems list many twice. */
  readonly #certificates = new Map<string, Uint8Array>();
  readonly #errors: Error[] = [];

  get isEmpty(): boolean {
    return this.#certificates.size === 0;
  }

  addFile(path: string): void {
    this.attempt(path, () => this.addPem(path, readFileSync(path, 'latin1')));
  }

  /** Of a directory, the files that OpenSSL would read: those that `c_rehash` named, such as `5ed36f99.0`. */
  addDirectory(path: string): void {
    this.attempt(path, () => {
      for (const name of readdirSync(path).toSorted()) {
        const file = join(path, name);
        // Links to certificates that are gone are common.
        if (/^[0-9a-f]{8}\.[0-9]+$/.test(name) && isFile(file)) this.addFile(file);
      }
    });
  }

  /** Each certificate by itself, so that one that is broken does not spoil the others. */
  addPem(where: string, text: string): void {
    const blocks = text.match(/^-----BEGIN CERTIFICATE-----[^]*?^-----END CERTIFICATE-----/gm) ?? [];
    if (blocks.length === 0) this.#errors.push(new Error(`${where}: no certificates`));
    for (const block of blocks) {
      this.attempt(where, () => {
        for (const der of certificatesFromPem(block)) this.#certificates.set(Buffer.from(der).toString('hex'), der);
      });
    }
  }

  attempt(what: string, read: () => void): void {
    try {
      read();
    } catch (cause) {
      this.#errors.push(new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }));
    }
  }

  /** @param where for the error if there is nothing */
  roots(where: string): SystemRoots {
    const certificates = [...this.#certificates.values()];
    const { anchors, ignored } = trustAnchorsFromCertificates(certificates);
    const broken = new Set(ignored.map(({ certificate }) => certificate));
    const errors = [...this.#errors, ...ignored.map(({ error }) => error)];
    if (anchors.length === 0) errors.push(new Error(`there are no root certificates ${where}`));
    return { anchors, certificates: certificates.filter((certificate) => !broken.has(certificate)), errors };
  }
}
