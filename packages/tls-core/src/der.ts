/** `@tyls/tls-core/der`: strict DER, for certificates and private keys. */
export * from './codec/der.ts';
