#!/usr/bin/env node
/** `tlsclient`: standard input and output over TLS. */
import { type ClientSessionStore } from '@tyls/tls-core';
import { type ClientConfigOptions, connect, createClientConfig, type TlsSocket } from '@tyls/tls-node';
import { dangerousAcceptAnyServerCert } from '@tyls/webpki';
import { type Command } from 'commander';
import { isIPv6 } from 'node:net';
import { pipeline } from 'node:stream/promises';
import {
  addCommonOptions,
  addPort,
  command,
  commonConfig,
  type CommonValues,
  describeError,
  describeSocket,
  ofOption,
  readOptionCertificates,
  readOptionFile,
} from './options.ts';
import { sessionFile } from './session_file.ts';

interface Values extends CommonValues {
  readonly port: number;
  readonly http?: true;
  readonly cafile?: string;
  readonly authKey?: string;
  readonly authCerts?: string;
  readonly sni: boolean;
  readonly insecure?: true;
  readonly cache?: string;
  readonly tickets: boolean;
  readonly earlyData?: true;
}

const examples = `Examples:
  tlsclient --http example.org                              fetch a page
  tlsclient --cafile ca.pem --port 8443 localhost           talk to a server of a private CA
  echo hello | tlsclient --cafile ca.pem --port 8443 localhost
  tlsclient --auth-certs me.pem --auth-key me.key intranet.example`;

function build(): Command {
  const program = command(
    'tlsclient',
    'Connects to HOST over TLS: standard input goes to the server, what it sends to standard output. The end of the' +
      ' input closes this direction, and the server ends the other.',
    examples,
  ).argument('<host>', 'DNS name or IP address, to connect to and to verify');
  addPort(program, 'the port to connect to', 1)
    .option('--http', 'send an HTTP request for / instead of standard input')
    .option('--cafile <file>', "trust the certificates in this PEM file instead of Mozilla's roots")
    .option('--auth-certs <file>', 'authenticate with this certificate chain (PEM); needs --auth-key')
    .option('--auth-key <file>', 'the private key for --auth-certs (PEM or DER)')
    .option('--no-sni', 'do not send the name of the server')
    .option('--cache <file>', 'resume sessions from this file and keep new ones there; it holds secrets')
    .option('--early-data', 'send the request of --http early (0-RTT) where a session of --cache allows it')
    .option('--no-tickets', 'ask for no tickets, and resume no session')
    .option('--insecure', 'DANGEROUS: accept whatever certificate the server has');
  return addCommonOptions(program);
}

/** @throws Error that says what is wrong with the command line, or with a file that it names */
function config(values: Values): ClientConfigOptions {
  const { cafile, authCerts, authKey, insecure, cache } = values;
  if (insecure === true && cafile !== undefined) throw new Error('--insecure makes nothing of --cafile: give one');
  if ((authCerts === undefined) !== (authKey === undefined)) throw new Error('--auth-certs and --auth-key go together');
  if (insecure === true && cache !== undefined) throw new Error('--cache is not for --insecure: give one');
  if (!values.tickets && cache !== undefined) throw new Error('--no-tickets makes nothing of --cache: give one');
  if (values.earlyData === true && (values.http !== true || cache === undefined)) {
    throw new Error('--early-data needs --http, for what to send, and --cache, for a session that allows it');
  }
  const common = commonConfig(values);
  return {
    ...common,
    earlyData: values.earlyData,
    sendServerName: values.sni,
    sessionStore: values.tickets ? cacheOf(cache) : false,
    ca: cafile === undefined ? undefined : readOptionCertificates('--cafile', cafile),
    verifier: insecure === true ? dangerousAcceptAnyServerCert({ provider: common.provider }) : undefined,
    certificate: authCerts === undefined ? undefined : readOptionCertificates('--auth-certs', authCerts),
    key: authKey === undefined ? undefined : readOptionFile('--auth-key', authKey),
  };
}

function warn(problem: string): void {
  console.error(`tlsclient: ${problem}`);
}

/** What is kept in memory without a file is of no use to a single connection, but lets it be like those of others. */
function cacheOf(path: string | undefined): ClientSessionStore | undefined {
  return path === undefined ? undefined : ofOption('--cache', () => sessionFile(path, warn));
}

/** A request for the page at the root. */
function httpRequest(host: string, port: number): Buffer {
  // RFC 9110 section 7.2: an IPv6 address in brackets, a port unless it is the scheme's own.
  const authority = (isIPv6(host) ? `[${host}]` : host) + (port === 443 ? '' : `:${port}`);
  return Buffer.from(`GET / HTTP/1.0\r\nHost: ${authority}\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n`);
}

function describeEarlyData({ earlyDataAccepted }: TlsSocket): string | undefined {
  if (earlyDataAccepted === undefined) return undefined;
  return earlyDataAccepted ? 'accepted' : 'not accepted, sent after the handshake';
}

/** Standard input to the server, or a request; and the server to standard output, until both are done. */
async function talk(socket: TlsSocket, host: string, values: Values): Promise<void> {
  socket.once('secureConnect', () => {
    if (values.verbose === true) console.error(describeSocket(socket, describeEarlyData(socket)));
  });
  // Who ends first is to be told of no more input: a terminal's would never end.
  socket.once('end', () => process.stdin.unpipe(socket));
  if (values.http !== true) process.stdin.pipe(socket);
  else if (values.earlyData !== true) socket.write(httpRequest(host, values.port));
  try {
    await pipeline(socket, process.stdout, { end: false });
  } finally {
    process.stdin.destroy();
  }
}

async function main(): Promise<void> {
  const program: Command = build().parse();
  const host = program.args[0]!;
  const values = program.opts<Values>();
  let socket: TlsSocket;
  try {
    const earlyData = values.earlyData === true ? httpRequest(host, values.port) : undefined;
    socket = connect({ host, port: values.port, config: await createClientConfig(config(values)), earlyData });
  } catch (error) {
    program.error(`error: ${(error as Error).message}`);
  }
  let outputClosed: Error | undefined;
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') outputClosed = error;
  });
  try {
    await talk(socket, host, values);
  } catch (error) {
    // Whoever reads our output wants no more of it.
    if (error === outputClosed) return;
    console.error(`tlsclient: ${describeError(error as Error)}`);
    process.exitCode = 1;
  }
}

void main();
