/** Small operations on byte strings. */
export { equalBytes, hex, latin1 as binaryString } from '@tyls/tls-core/der';
