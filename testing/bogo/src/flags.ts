/**
 * The flags that the runner passes: which the shim takes, and what each carries. Whatever is not here is answered with
 * "not implemented", before anything else is loaded.
 */

/** What follows a flag. `numbers`: the flag may come several times. `ignored`: it asks for what is so in any case. */
type Kind = 'switch' | 'number' | 'numbers' | 'text' | 'base64' | 'ignored' | 'ignored value';

const connectionFlags = {
  port: 'number',
  'shim-id': 'text',
  ipv6: 'switch',
  server: 'switch',
  'resume-count': 'number',
  'resumption-delay': 'number',

  'min-version': 'number',
  'max-version': 'number',
  'no-tls13': 'switch',
  'no-tls12': 'switch',
  cipher: 'text',
  curves: 'numbers',
  'key-shares': 'numbers',
  'no-key-shares': 'switch',
  'server-supported-groups-hint': 'numbers',
  'enable-grease': 'switch',
  'permute-extensions': 'switch',
  'verify-prefs': 'numbers',
  'host-name': 'text',
  'advertise-alpn': 'text',
  'select-alpn': 'text',
  'decline-alpn': 'switch',
  'reject-alpn': 'switch',
  'enable-ocsp-stapling': 'switch',
  'enable-signed-cert-timestamps': 'switch',
  'accepted-peer-cert-types': 'numbers',
  'available-client-cert-types': 'numbers',
  'install-cert-compression-algs': 'switch',
  'install-one-cert-compression-alg': 'number',
  'no-ticket': 'switch',
  'enable-early-data': 'switch',
  'use-ticket-callback': 'switch',
  'use-ticket-aead-callback': 'switch',
  'renew-ticket': 'switch',
  'skip-ticket': 'switch',
  'fips-202205': 'switch',
  'wpa-202304': 'switch',
  'cnsa1-202603': 'switch',
  'verify-peer': 'switch',
  'require-any-client-certificate': 'switch',
  'use-client-ca-list': 'text',
  'max-send-fragment': 'number',
  'verify-fail': 'switch',
  'use-custom-verify-callback': 'switch',
  'use-ocsp-callback': 'switch',
  'set-ocsp-in-callback': 'switch',
  'decline-ocsp-callback': 'switch',
  'fail-ocsp-callback': 'switch',
  'fail-cert-callback': 'switch',
  'fail-early-callback': 'switch',
  'install-ddos-callback': 'switch',
  'fail-ddos-callback': 'switch',

  async: 'switch',
  'check-close-notify': 'switch',
  'shim-shuts-down': 'switch',
  'shim-writes-first': 'switch',
  'shim-initial-write': 'text',
  'repeat-shim-initial-write': 'number',
  'read-with-unfinished-write': 'switch',
  'write-different-record-sizes': 'switch',
  'key-update': 'switch',
  'key-update-before-read': 'switch',
  'export-keying-material': 'number',
  'export-label': 'text',
  'export-context': 'text',
  'use-export-context': 'switch',
  'use-exporter-between-reads': 'switch',
  'export-traffic-secrets': 'switch',

  'handshake-never-done': 'switch',
  'expect-version': 'number',
  'expect-cipher': 'number',
  'expect-cipher-aes': 'number',
  'expect-curve-id': 'number',
  'expect-alpn': 'text',
  'expect-advertised-alpn': 'text',
  'expect-server-name': 'text',
  'expect-no-server-name': 'switch',
  'expect-hrr': 'switch',
  'expect-no-hrr': 'switch',
  'expect-ocsp-response': 'base64',
  'expect-peer-cert-file': 'text',
  'expect-no-peer-cert': 'switch',
  'expect-peer-signature-algorithm': 'number',
  'expect-peer-verify-pref': 'numbers',
  'expect-client-ca-list': 'text',
  'expect-selected-credential': 'number',
  'expect-signed-cert-timestamps': 'base64',
  'expect-peer-certificate-type': 'number',
  'expect-peer-rpk-sha256': 'base64',
  'expect-extended-master-secret': 'switch',
  'expect-session-miss': 'switch',
  'expect-session-id': 'switch',
  'expect-no-session-id': 'switch',
  'expect-no-session': 'switch',
  'expect-ticket-renewal': 'switch',
  'expect-accept-early-data': 'switch',
  'expect-reject-early-data': 'switch',
  'expect-no-offer-early-data': 'switch',
  'expect-early-data-reason': 'text',
  'expect-msg-callback': 'text',

  // Versions and algorithms that are never spoken.
  'no-tls1': 'ignored',
  'no-tls11': 'ignored',
  // Ways to call a library that come to the same here: no handshake has to be called for, every certificate is chosen
  // by a callback, and what verifies it is one.
  'implicit-handshake': 'ignored',
  'no-op-extra-handshake': 'ignored',
  'handshake-twice': 'ignored',
  'use-early-callback': 'ignored',
  'use-old-client-cert-callback': 'ignored',
  // Whom to trust: the certificates of the runner are of no use to a verifier of names and dates.
  'trust-cert': 'ignored value',
  // How much one read takes: everything that is there is taken.
  'read-size': 'ignored value',
  // No renegotiation is ever done.
  'expect-secure-renegotiation': 'ignored',
  'renegotiate-ignore': 'ignored',
  'forbid-renegotiation-after-handshake': 'ignored',
  'server-preference': 'ignored',
  'expect-cipher-no-aes': 'ignored value',
  // What only verifiers know, and the shim has its own.
  'expect-verify-result': 'ignored',
  // What a ticket allows shows where it is used.
  'expect-ticket-supports-early-data': 'ignored',
  // A resolver sees the schemes that are left, which is what they decide.
  'expect-certificate-types': 'ignored value',
} as const satisfies Record<string, Kind>;

/** These are about the credential before them, or about the default one if none is. */
const credentialFlags = {
  'cert-file': 'text',
  'key-file': 'text',
  'signing-prefs': 'numbers',
  'ocsp-response': 'base64',
  'signed-cert-timestamps': 'base64',
  'must-match-issuer': 'switch',
  'psk-importer-key': 'base64',
  'psk-importer-identity': 'base64',
  'psk-importer-context': 'base64',
  'psk-importer-sha256': 'switch',
  'psk-importer-sha384': 'switch',
} as const satisfies Record<string, Kind>;

/** These begin a credential. */
const credentialKinds = {
  'new-x509-credential': 'x509',
  'new-rpk-credential': 'rpk',
  'new-psk-credential': 'psk',
} as const;

interface Values {
  switch: true;
  number: number;
  numbers: readonly number[];
  text: string;
  base64: Uint8Array;
  ignored: never;
  'ignored value': never;
}

type Parsed<Kinds extends Record<string, Kind>> = { [Flag in keyof Kinds]?: Values[Kinds[Flag]] };

export interface Credential extends Readonly<Parsed<typeof credentialFlags>> {
  readonly kind: 'default' | (typeof credentialKinds)[keyof typeof credentialKinds];
}

/** What holds for one connection. */
export interface Flags extends Readonly<Parsed<typeof connectionFlags>> {
  /** The default one first, whether anything was said of it or not. */
  readonly credentials: readonly Credential[];
}

/** The flags of a run: for the first connection, for those that resume it, and for the rest of one whose 0-RTT failed. */
export interface FlagsByConnection {
  readonly initial: Flags;
  readonly resume: Flags;
  readonly retry: Flags;
}

/** The runner asks for something that the shim cannot do. */
export class Unimplemented extends Error {}

const connections = ['initial', 'resume', 'retry'] as const;

/** @throws Unimplemented for a flag that is not taken */
export function parseFlags(args: readonly string[]): FlagsByConnection {
  const credentials = (): Record<string, unknown>[] => [{ kind: 'default' }];
  const parsed = {
    initial: { credentials: credentials() },
    resume: { credentials: credentials() },
    retry: { credentials: credentials() },
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, program, connection, name] =
      /^-(?:on-(shim|handshaker)-)?(?:on-(initial|resume|retry)-)?(.*)$/.exec(arg) ?? [];
    const kind = kindOf(name);
    if (name === undefined || kind === undefined) throw new Unimplemented(arg);
    const hasValue = kind !== 'switch' && kind !== 'ignored' && kind !== 'credential';
    const value = hasValue ? rest.shift() : undefined;
    if (hasValue && value === undefined) throw new TypeError(`${arg} needs a value`);
    if (program === 'handshaker') continue;
    for (const one of connections) {
      if (connection === undefined || connection === one) set(parsed[one], name, kind, value ?? '');
    }
  }
  // The tables say what is in it.
  return parsed as unknown as FlagsByConnection;
}

function kindOf(name: string | undefined): Kind | 'credential' | undefined {
  if (name === undefined) return undefined;
  if (Object.hasOwn(credentialKinds, name)) return 'credential';
  const kinds: Readonly<Record<string, Kind>> = { ...connectionFlags, ...credentialFlags };
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}

function set(
  flags: { [flag: string]: unknown; credentials: Record<string, unknown>[] },
  name: string,
  kind: Kind | 'credential',
  value: string,
): void {
  if (kind === 'credential') {
    flags.credentials.push({ kind: credentialKinds[name as keyof typeof credentialKinds] });
    return;
  }
  if (kind === 'ignored' || kind === 'ignored value') return;
  const target = Object.hasOwn(credentialFlags, name) ? flags.credentials.at(-1)! : flags;
  target[name] =
    kind === 'numbers' ? [...((target[name] as number[] | undefined) ?? []), Number(value)] : read(kind, value);
}

function read(kind: 'switch' | 'number' | 'text' | 'base64', value: string): unknown {
  switch (kind) {
    case 'switch':
      return true;
    case 'number':
      return Number(value);
    case 'text':
      return value;
    case 'base64':
      return new Uint8Array(Buffer.from(value, 'base64'));
  }
}
