/** Software that nobody here wrote, as the other end of a connection. */
export * from './arguments.ts';
export * from './bulk.ts';
export * from './curl.ts';
export * from './free_port.ts';
export * from './gnutls.ts';
export * from './node_tls.ts';
export * from './nss.ts';
export * from './openssl.ts';
export * from './output.ts';
export * from './peer.ts';
export * from './peer_process.ts';
export * from './workspace.ts';
