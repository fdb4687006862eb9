/** Where extensions may stand that nobody asked for (RFC 8446 section 4.2). */
import { recognizedExtensions } from './client_hello.ts';
import { type ExtensionBlock, refusedExtension } from './extension.ts';

/**
 * What is no answer may have extensions that nobody asked for and that are ignored, but none of those that are known to
 * belong elsewhere (illegal_parameter).
 */
export function checkPlaced(message: string, block: ExtensionBlock): void {
  const misplaced = block.unknown.find(({ type }) => recognizedExtensions.includes(type));
  if (misplaced !== undefined) throw refusedExtension('DisallowedExtension', message, misplaced.type);
}
