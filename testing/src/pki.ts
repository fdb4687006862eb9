/** A throw-away CA for tests and the demo: certificates and keys that exist nowhere but in memory. */
import './reflect_metadata.ts';
import { parseIpAddress } from '@tyls/tls-core';
import * as x509 from '@peculiar/x509';

export type KeyType = 'rsa2048' | 'p256' | 'p384' | 'p521' | 'ed25519';

/** An extension as it stands in the certificate. It takes the place of one that would be there by default. */
export interface RawExtension {
  /** Dotted. */
  readonly oid: string;
  readonly critical?: boolean;
  /** DER, the content of extnValue; `undefined` leaves the extension out. */
  readonly value: Uint8Array | undefined;
}

interface CommonOptions {
  /** P-256 by default. */
  readonly keyType?: KeyType;
  /** Yesterday by default. */
  readonly notBefore?: Date;
  /** In a year by default. */
  readonly notAfter?: Date;
  readonly extensions?: readonly RawExtension[];
}

export interface CaOptions extends CommonOptions {
  /** commonName of its subject. */
  readonly name?: string;
  /** Without one it is a self-signed root. */
  readonly issuer?: TestCa;
  /** pathLenConstraint; none by default. */
  readonly pathLength?: number;
  /** Another certificate for this CA's key: for cross-signs. */
  readonly keyOf?: TestCa;
}

export interface IssueOptions extends CommonOptions {
  /** DNS names and IP addresses for subjectAltName. */
  readonly names?: readonly string[];
  /** The first name by default; the empty string makes an empty subject. */
  readonly commonName?: string;
  /** The purposes in extendedKeyUsage; both by default. */
  readonly usage?: 'server' | 'client' | 'both';
}

/** A certificate with its key. */
export interface TestIdentity {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER: the certificate, then the intermediates that lead to the root, which is left out. */
  readonly chain: readonly Uint8Array[];
  /** PKCS#8 in DER. */
  readonly privateKey: Uint8Array;
  readonly certificatePem: string;
  readonly chainPem: string;
  readonly privateKeyPem: string;
}

/** A certificate authority; {@link createCa} makes one. Give `certificate` of a root to whoever shall trust it. */
export class TestCa implements TestIdentity {
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly privateKey: Uint8Array;
  readonly certificatePem: string;
  readonly chainPem: string;
  readonly privateKeyPem: string;
  readonly #keys: CryptoKeyPair;
  readonly #subject: x509.Name;

  private constructor(certificate: x509.X509Certificate, identity: TestIdentity, keys: CryptoKeyPair) {
    this.certificate = identity.certificate;
    this.chain = identity.chain;
    this.privateKey = identity.privateKey;
    this.certificatePem = identity.certificatePem;
    this.chainPem = identity.chainPem;
    this.privateKeyPem = identity.privateKeyPem;
    this.#keys = keys;
    this.#subject = certificate.subjectName;
  }

  /** @internal */
  static async create(options: CaOptions): Promise<TestCa> {
    const keys = options.keyOf === undefined ? await generateKeys(options.keyType ?? 'p256') : options.keyOf.#keys;
    const subject = new x509.Name([{ CN: [options.name ?? 'tyls test root'] }]);
    const { issuer } = options;
    const certificate = await sign(
      options,
      subject,
      keys,
      issuer === undefined ? { subject, keys } : { subject: issuer.#subject, keys: issuer.#keys },
      [
        new x509.BasicConstraintsExtension(true, options.pathLength, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
          true,
        ),
      ],
    );
    const above = issuer === undefined ? undefined : issuer.chain;
    return new TestCa(certificate, await identityOf(certificate, keys, above), keys);
  }

  /** A certificate for an end entity. */
  async issue(options: IssueOptions): Promise<TestIdentity> {
    const keys = await generateKeys(options.keyType ?? 'p256');
    const certificate = await endEntity(options, keys, { subject: this.#subject, keys: this.#keys });
    return identityOf(certificate, keys, this.chain);
  }

  /** The signature of this CA's key, in the form certificates have it: to sign what {@link issue} cannot make. */
  async sign(message: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.privateKey;
    const signature = await crypto.subtle.sign(signingAlgorithm(key), key, ownBuffer(message));
    const formatter = new x509.AsnEcSignatureFormatter();
    return new Uint8Array(formatter.toAsnSignature(key.algorithm, signature) ?? signature);
  }
}

/** A root, or with `issuer` an intermediate CA. */
export function createCa(options: CaOptions = {}): Promise<TestCa> {
  return TestCa.create(options);
}

/** An end entity's certificate that is signed by its own key. */
export async function selfSigned(options: IssueOptions): Promise<TestIdentity> {
  const keys = await generateKeys(options.keyType ?? 'p256');
  return identityOf(await endEntity(options, keys, undefined), keys, []);
}

interface Issuer {
  readonly subject: x509.Name;
  readonly keys: CryptoKeyPair;
}

function endEntity(
  options: IssueOptions,
  keys: CryptoKeyPair,
  issuer: Issuer | undefined,
): Promise<x509.X509Certificate> {
  const { names = [], usage = 'both' } = options;
  const commonName = options.commonName ?? names[0] ?? 'tyls test end entity';
  const subject = new x509.Name(commonName === '' ? [] : [{ CN: [commonName] }]);
  const isRsa = keys.publicKey.algorithm.name.startsWith('RSA');
  const purposes = [
    ...(usage === 'client' ? [] : [x509.ExtendedKeyUsage.serverAuth]),
    ...(usage === 'server' ? [] : [x509.ExtendedKeyUsage.clientAuth]),
  ];
  const extensions: x509.Extension[] = [
    new x509.KeyUsagesExtension(
      x509.KeyUsageFlags.digitalSignature | (isRsa ? x509.KeyUsageFlags.keyEncipherment : 0),
      true,
    ),
    new x509.ExtendedKeyUsageExtension(purposes),
  ];
  if (names.length > 0) {
    const generalNames = names.map((name) => ({
      type: parseIpAddress(name) === undefined ? ('dns' as const) : ('ip' as const),
      value: name,
    }));
    // RFC 5280 section 4.2.1.6: critical where the subject is empty.
    extensions.push(new x509.SubjectAlternativeNameExtension(generalNames, commonName === ''));
  }
  return sign(options, subject, keys, issuer ?? { subject, keys }, extensions);
}

const day = 24 * 60 * 60 * 1000;

async function sign(
  options: CommonOptions,
  subject: x509.Name,
  keys: CryptoKeyPair,
  issuer: Issuer,
  extensions: readonly x509.Extension[],
): Promise<x509.X509Certificate> {
  const replaced = new Set(options.extensions?.map(({ oid }) => oid));
  const standard = [
    ...extensions,
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey, false, crypto),
  ].filter(({ type }) => !replaced.has(type));
  const raw = (options.extensions ?? []).flatMap(({ oid, critical = false, value }) =>
    value === undefined ? [] : [new x509.Extension(oid, critical, ownBuffer(value))],
  );
  return x509.X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject,
      issuer: issuer.subject,
      notBefore: options.notBefore ?? new Date(Date.now() - day),
      notAfter: options.notAfter ?? new Date(Date.now() + 365 * day),
      publicKey: keys.publicKey,
      signingKey: issuer.keys.privateKey,
      signingAlgorithm: signingAlgorithm(issuer.keys.privateKey),
      extensions: [...standard, ...raw],
    },
    crypto,
  );
}

/** 16 bytes, positive and without a leading zero (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

const keyAlgorithms: Readonly<Record<KeyType, RsaHashedKeyGenParams | EcKeyGenParams | Algorithm>> = {
  rsa2048: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  },
  p256: { name: 'ECDSA', namedCurve: 'P-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384' },
  p521: { name: 'ECDSA', namedCurve: 'P-521' },
  ed25519: { name: 'Ed25519' },
};

async function generateKeys(type: KeyType): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(keyAlgorithms[type], true, ['sign', 'verify'])) as CryptoKeyPair;
}

const curveHashes: Readonly<Record<string, string>> = { 'P-256': 'SHA-256', 'P-384': 'SHA-384', 'P-521': 'SHA-512' };

function signingAlgorithm(key: CryptoKey): Algorithm | EcdsaParams {
  const algorithm = key.algorithm as EcKeyAlgorithm;
  return algorithm.name === 'ECDSA'
    ? { name: algorithm.name, hash: curveHashes[algorithm.namedCurve]! }
    : { name: algorithm.name };
}

async function identityOf(
  certificate: x509.X509Certificate,
  keys: CryptoKeyPair,
  above: readonly Uint8Array[] | undefined,
): Promise<TestIdentity> {
  const der = new Uint8Array(certificate.rawData);
  const chain = above === undefined ? [] : [der, ...above];
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: der,
    chain,
    privateKey,
    certificatePem: pem('CERTIFICATE', der),
    chainPem: chain.map((one) => pem('CERTIFICATE', one)).join(''),
    privateKeyPem: pem('PRIVATE KEY', privateKey),
  };
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`;
}

/** WebCrypto's types want bytes that are certainly not shared. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
