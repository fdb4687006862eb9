/** `@tyls/tls-core/der`: strict DER, for certificates and private keys, and the byte strings it is made of. */
export * from './codec/der.ts';
export { asciiBytes, concat, copyOf, emptyBytes, equalBytes, hex, latin1 } from './codec/bytes.ts';
