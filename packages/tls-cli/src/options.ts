/** What the two commands have in common: options, files, errors and exit statuses. */
import {
  CipherSuite,
  type CryptoProvider,
  type KeyLog,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  type Tracer,
} from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { keyLogFile, type TlsSocket } from '@tyls/tls-node';
import { certificatesFromPem } from '@tyls/webpki';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { traceTo } from './trace.ts';

const providers: Readonly<Record<string, () => CryptoProvider>> = {
  node: nodeProvider,
  noble: nobleProvider,
  webcrypto: webcryptoProvider,
};

/** The values of the options that {@link command} adds. */
export interface CommonValues {
  readonly provider: string;
  readonly protover?: readonly string[];
  readonly suite?: readonly string[];
  readonly group?: readonly string[];
  readonly proto?: readonly string[];
  readonly mtu?: number;
  readonly keyLog?: string;
  readonly verbose?: true;
  readonly trace?: true;
}

const exitStatus = `
Exit status: 0 if all went well, 1 if the connection or the listening failed, 2 if the command line is at fault, with
the files that it names.`;

/** A command that exits with status 2 where the command line is at fault. @param examples for its help */
export function command(name: string, description: string, examples: string): Command {
  return new Command(name)
    .description(description)
    .version(ownVersion())
    .showHelpAfterError('(add --help for the options)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .helpOption('-h, --help', 'show this text')
    .addHelpText('after', `\n${examples}\n${exitStatus}`);
}

/** Adds the options that both commands have, last in their help. */
export function addCommonOptions(to: Command): Command {
  return to
    .option('--protover <version>', 'allow this protocol version, 1.2 or 1.3; repeatable; both by default', collect)
    .option('--suite <name>', 'offer this cipher suite, in the order given; repeatable; all by default', collect)
    .option('--group <name>', 'offer this key exchange group, in the order given; repeatable; all by default', collect)
    .option('--proto <name>', 'offer this application protocol (ALPN), in the order given; repeatable', collect)
    .option('--mtu <bytes>', 'put at most this much plaintext in a record: 32 to 16384', integer(32, 16_384))
    .addOption(new Option('--provider <name>', 'the crypto backend').choices(Object.keys(providers)).default('node'))
    .option('--key-log <file>', 'append the secrets to this file, in the format of SSLKEYLOGFILE')
    .option('--verbose', 'say on standard error what was negotiated')
    .option('--trace', 'say on standard error what happens: messages, keys and alerts, by name and size');
}

/** Adds `--port`, 443 by default. @param least 0 where a free one may be asked for */
export function addPort(to: Command, description: string, least: 0 | 1): Command {
  return to.option('-p, --port <number>', description, integer(least, 65_535), 443);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Parses an option's or an argument's number. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
  };
}

/** What of a configuration the common options say. @throws Error that says what is wrong with them */
export function commonConfig(values: CommonValues): {
  readonly provider: CryptoProvider;
  readonly versions: readonly ProtocolVersion[] | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
  readonly maxFragmentSize: number | undefined;
  readonly keyLog: KeyLog | undefined;
  readonly trace: Tracer | undefined;
} {
  const provider = providers[values.provider]!();
  const { suite, group } = values;
  return {
    provider: {
      ...provider,
      cipherSuites: choose('--suite', suite, provider.cipherSuites, ({ id }) => nameOf(CipherSuite, id)),
      keyExchangeGroups: choose('--group', group, provider.keyExchangeGroups, (one) => nameOf(NamedGroup, one.name)),
    },
    versions: values.protover?.map(protocolVersion),
    alpnProtocols: values.proto,
    maxFragmentSize: values.mtu,
    keyLog: values.keyLog === undefined ? undefined : ofOption('--key-log', () => keyLogFile(values.keyLog!)),
    trace: values.trace === true ? traceTo((line) => console.error(line)) : undefined,
  };
}

function protocolVersion(name: string): ProtocolVersion {
  const version = { '1.2': ProtocolVersion.TLSv1_2, '1.3': ProtocolVersion.TLSv1_3 }[name];
  if (version === undefined) throw new Error(`--protover ${name}: there are 1.2 and 1.3`);
  return version;
}

/** Those that were asked for, in the order asked for; all if none was. */
function choose<T>(
  option: string,
  asked: readonly string[] | undefined,
  known: readonly T[],
  name: (one: T) => string,
): readonly T[] {
  if (asked === undefined) return known;
  const chosen = asked.map((wanted) => {
    const one = known.find((candidate) => plainName(name(candidate)) === plainName(wanted));
    if (one === undefined) throw new Error(`${option} ${wanted}: there are ${known.map(name).join(', ')}`);
    return one;
  });
  if (new Set(chosen).size < chosen.length) throw new Error(`${option} names one twice: ${asked.join(', ')}`);
  return chosen;
}

/** Without regard to case; rustls writes TLS13_AES_128_GCM_SHA256 for IANA's TLS_AES_128_GCM_SHA256. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/^tls13_/, 'tls_');
}

/** The content of a file that an option names. @throws Error with both in its message */
export function readOptionFile(option: string, path: string): Uint8Array {
  return ofOption(option, () => readFileSync(path));
}

/** The certificates in a PEM file that an option names, in DER. @throws Error with the option in its message */
export function readOptionCertificates(option: string, path: string): readonly Uint8Array[] {
  return ofOption(option, () => certificatesFromPem(readFileSync(path)));
}

/** Names the option that is at fault. */
export function ofOption<T>(option: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
}

/** An error in one line. */
export function describeError(error: Error): string {
  // Of a host with several addresses, one for each that was tried.
  if (error instanceof AggregateError) return error.errors.map((one: Error) => one.message).join('; ');
  return error.message;
}

/** What was negotiated, a fact a line. @param earlyData what became of early data, if there was any */
export function describeSocket(socket: TlsSocket, earlyData: string | undefined): string {
  const facts = {
    version: socket.protocolVersion,
    'cipher suite': socket.cipherSuite,
    group: socket.keyExchangeGroup,
    handshake: socket.handshakeKind,
    ALPN: socket.alpnProtocol,
    'server name': socket.serverName,
    'peer certificates': socket.peerCertificates?.length.toString(),
    'early data': earlyData,
  };
  return Object.entries(facts)
    .map(([name, value]) => `${name.padEnd(18)}${value ?? '-'}`)
    .join('\n');
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
