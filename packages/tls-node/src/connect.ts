/** TLS clients. */
import { type ClientConfig, ClientConnection, parseServerName } from '@tyls/tls-core';
import { type TcpSocketConnectOpts } from 'node:net';
import { type Duplex } from 'node:stream';
import { startClientConfig } from './config.ts';
import { checkOnlyConfig, type ClientConfigOptions } from './options.ts';
import { checkSocketOptions, TlsSocket, type TlsSocketOptions } from './tls_socket.ts';
import { connectTcp } from './transport.ts';

/** Where to connect to, and how `node:net` does it. */
export interface ClientTransportOptions extends Partial<
  Pick<TcpSocketConnectOpts, 'localAddress' | 'localPort' | 'family' | 'lookup' | 'autoSelectFamily' | 'keepAlive'>
> {
  /** `'localhost'` by default. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /**
   * The stream to speak TLS over, instead of a TCP connection of its own: a socket, a tunnel, another TLS socket. For
   * half-closed connections it must itself allow them.
   */
  readonly socket?: Duplex | undefined;
  /** The DNS name or IP address that the server is verified for, and sent as SNI if it is a DNS name; default `host`. */
  readonly serverName?: string | undefined;
  /**
   * What to send first: before the handshake is complete (0-RTT) where a session allows for all of it, so that the server
   * has it a round trip earlier; after the handshake where none does, or the server rejects it. `earlyDataAccepted` says
   * which. Only for what may be processed twice, such as a GET: who records it can send it again, to another server or to
   * the same, without knowing what it says. And it is only as secret as the session, without forward secrecy.
   */
  readonly earlyData?: Uint8Array | undefined;
}

/** A configuration that is built already, or what one is built from for this connection alone. */
export type ConnectOptions = ClientTransportOptions &
  TlsSocketOptions &
  (
    | (Omit<ClientConfigOptions, 'earlyData'> & { readonly config?: undefined })
    | ({ readonly config: ClientConfig } & {
        readonly [Name in keyof Omit<ClientConfigOptions, 'earlyData'>]?: undefined;
      })
  );

/**
 * Connects to a server over TLS.
 *
 * @param onSecureConnect listens for `'secureConnect'`
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function connect(options: ConnectOptions, onSecureConnect?: () => void): TlsSocket {
  const name = options.serverName ?? options.host ?? (options.socket === undefined ? 'localhost' : undefined);
  if (name === undefined) throw new TypeError('over a socket of yours, serverName says whom to verify');
  const serverName = parseServerName(name);
  const socketOptions = checkSocketOptions(options);
  // There is none if an option is refused while the key is being loaded.
  let socket: TlsSocket | undefined = undefined;
  let config: ClientConfig;
  const { earlyData } = options;
  if (options.config === undefined) {
    const configOptions = { ...options, earlyData: earlyData !== undefined };
    config = startClientConfig(configOptions, (error) => socket?.destroy(error));
  } else {
    checkOnlyConfig({ ...options, earlyData: undefined });
    config = options.config;
    if (earlyData !== undefined && !config.earlyData) {
      throw new TypeError('earlyData needs a config that is built with earlyData: true');
    }
  }
  const connection = new ClientConnection(config, serverName);
  socket = new TlsSocket(options.socket ?? tcp(options), connection, socketOptions, serverName.name, earlyData);
  if (onSecureConnect !== undefined) socket.once('secureConnect', onSecureConnect);
  return socket;
}

function tcp(options: ClientTransportOptions): Duplex {
  const { host, port, localAddress, localPort, family, lookup, autoSelectFamily, keepAlive } = options;
  if (port === undefined) throw new TypeError('connect() needs a port, or a socket');
  const given = { localAddress, localPort, family, lookup, autoSelectFamily, keepAlive };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return connectTcp({ ...known, host: host ?? 'localhost', port, allowHalfOpen: true });
}
