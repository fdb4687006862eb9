/** Types of generate.mjs and of what reads its input, for their tests. */

/** A root certificate, with what its root program says of it. */
export interface Root {
  /** DER. */
  readonly certificate: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly distrustAfter?: number;
  /** What it may issue certificates for, in the form of dNSName constraints. */
  readonly permittedDnsNames?: readonly string[];
}

export type Overlay = Readonly<
  Record<string, { readonly distrustAfter?: string; readonly permittedDnsNames?: readonly string[] }>
>;

export function generate(
  roots: readonly Root[],
  source: string,
  date: string,
): { readonly code: string; readonly hashes: string };
export function withOverlay(roots: readonly Root[], overlay: Overlay): Root[];
