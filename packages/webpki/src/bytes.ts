/** Small operations on byte strings. */
export { equalBytes, latin1 as binaryString } from '@tyls/tls-core/der';
