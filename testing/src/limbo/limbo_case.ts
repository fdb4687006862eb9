/** x509-limbo's files: https://x509-limbo.com, schema version 1. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type Verdict = 'SUCCESS' | 'FAILURE';

export interface LimboName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

export interface LimboCase {
  readonly id: string;
  readonly features?: readonly string[];
  readonly validation_kind: 'SERVER' | 'CLIENT';
  /** PEM, as are all certificates and lists. */
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  /** RFC 3339; now if it is missing. */
  readonly validation_time?: string | null;
  readonly signature_algorithms: readonly string[];
  readonly key_usage: readonly string[];
  readonly extended_key_usage: readonly string[];
  readonly expected_result: Verdict;
  readonly expected_peer_name?: LimboName | null;
  readonly expected_peer_names: readonly LimboName[];
  readonly max_chain_depth?: number | null;
  readonly crls?: readonly string[];
}

/** @param file JSON, also compressed with gzip */
export function readLimbo(file: string): readonly LimboCase[] {
  const bytes = readFileSync(file);
  const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const { version, testcases } = JSON.parse((isCompressed ? gunzipSync(bytes) : bytes).toString()) as {
    version: number;
    testcases: LimboCase[];
  };
  if (version !== 1) throw new TypeError(`${file}: x509-limbo's schema of version ${version} is not known`);
  return testcases;
}
