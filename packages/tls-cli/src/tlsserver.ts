#!/usr/bin/env node
/** `tlsserver`: a TLS server that echoes, speaks a little HTTP, or forwards. */
import { serverSessionMemory, ticketer } from '@tyls/tls-core';
import { createServer, createServerConfig, type ServerConfigOptions, type TlsServerOptions } from '@tyls/tls-node';
import { Argument, type Command } from 'commander';
import { type AddressInfo } from 'node:net';
import { echo, forward, http, type Mode } from './modes.ts';
import {
  addCommonOptions,
  addPort,
  command,
  commonConfig,
  type CommonValues,
  describeError,
  describeSocket,
  integer,
  readOptionCertificates,
  readOptionFile,
} from './options.ts';

interface Values extends CommonValues {
  readonly certs: string;
  readonly key: string;
  readonly port: number;
  readonly ocsp?: string;
  readonly auth?: string;
  readonly requireAuth?: true;
  readonly resumption?: true;
  readonly tickets?: true;
  readonly maxEarlyData?: number;
}

const examples = `Examples:
  tlsserver --certs chain.pem --key key.pem --port 8443 http
  tlsserver --certs chain.pem --key key.pem --auth clients.pem --require-auth echo
  tlsserver --certs chain.pem --key key.pem forward 8080    TLS in front of a server that has none`;

function build(): Command {
  const program = command('tlsserver', 'Listens for TLS connections and serves them until it is stopped.', examples)
    .addArgument(new Argument('<mode>', 'what to do with a connection').choices(['echo', 'http', 'forward']))
    .argument('[target-port]', 'for forward: the port on this host', integer(1, 65_535))
    .requiredOption('--certs <file>', 'the certificate chain, its own certificate first (PEM)')
    .requiredOption('--key <file>', 'the private key (PEM or DER)');
  addPort(program, 'the port to listen on; 0 for a free one', 0)
    .option('--ocsp <file>', 'staple this OCSP response (DER)')
    .option('--auth <file>', 'ask clients for certificates of the CAs in this PEM file')
    .option('--require-auth', 'refuse clients without a certificate; needs --auth')
    .option('--resumption', 'keep sessions for clients to resume')
    .option('--tickets', 'give clients their sessions to keep, encrypted, instead of keeping them here')
    .option(
      '--max-early-data <bytes>',
      'accept so much early data (0-RTT), which may be replayed; needs --resumption',
      integer(1, 999_999_999),
    );
  return addCommonOptions(program);
}

/** @throws Error that says what is wrong with the command line, or with a file that it names */
function config(values: Values): ServerConfigOptions {
  const { auth, ocsp, requireAuth } = values;
  if (requireAuth === true && auth === undefined) throw new Error('--require-auth needs --auth: whose certificates?');
  if (values.maxEarlyData !== undefined && (values.resumption !== true || values.tickets === true)) {
    throw new Error('--max-early-data needs --resumption without --tickets: a session that is good for one use');
  }
  const common = commonConfig(values);
  return {
    ...common,
    maxEarlyDataSize: values.maxEarlyData,
    sessionStore: values.resumption === true && serverSessionMemory(),
    ticketer: values.tickets === true ? ticketer(common) : undefined,
    certificate: readOptionCertificates('--certs', values.certs),
    key: readOptionFile('--key', values.key),
    ocspResponse: ocsp === undefined ? undefined : readOptionFile('--ocsp', ocsp),
    clientAuth:
      auth === undefined ? undefined : { ca: readOptionCertificates('--auth', auth), mandatory: requireAuth ?? false },
  };
}

/** @throws Error that says what is wrong with the command line */
function modeOf(name: string, targetPort: number | undefined, { maxEarlyData }: Values): Mode {
  if (name === 'forward') {
    if (maxEarlyData !== undefined) {
      throw new Error('forward takes no --max-early-data: who is behind it could not tell what may be a replay');
    }
    if (targetPort === undefined) throw new Error('forward needs the port to forward to');
    return forward(targetPort);
  }
  if (targetPort !== undefined) throw new Error(`${name} takes no port; the one to listen on is --port`);
  return name === 'http' ? http() : echo;
}

function serve(options: TlsServerOptions, mode: Mode, { port, verbose }: Values): void {
  const failed = (error: Error): void => console.error(`tlsserver: ${describeError(error)}`);
  const server = createServer(options, (socket) => {
    const early = socket.takeEarlyData();
    if (verbose === true) console.error(describeSocket(socket, early.length > 0 ? `${early.length} bytes` : undefined));
    // To answer it twice does no harm in the modes that allow it.
    socket.unshift(early);
    mode(socket, failed);
  });
  server.on('tlsClientError', failed);
  server.on('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message;
    console.error(`tlsserver: cannot listen on port ${port}: ${why}`);
    process.exitCode = 1;
  });
  server.listen(port, () => {
    console.error(`tlsserver: listening on port ${(server.address() as AddressInfo).port}`);
  });
}

async function main(): Promise<void> {
  const program: Command = build().parse();
  const values = program.opts<Values>();
  const [name, targetPort] = program.processedArgs as [string, number | undefined];
  let mode: Mode;
  let options: TlsServerOptions;
  try {
    mode = modeOf(name, targetPort, values);
    // Half-open: who has sent all of its request may still read the answer.
    options = { config: await createServerConfig(config(values)), allowHalfOpen: true };
  } catch (error) {
    program.error(`error: ${(error as Error).message}`);
  }
  serve(options, mode, values);
}

void main();
