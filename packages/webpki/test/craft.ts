/** Certificates that no honest CA makes: fields changed by hand, and signed again. */
import { DerReader, DerTag, derEncode } from '@tyls/tls-core/der';
import { type TestCa } from '@tyls/testing';
import { type Awaitable, type CertificateErrorDetail, isPromise, isTlsError } from '@tyls/tls-core';

const bad = (what: string): Error => new Error(what);

/** The elements of a SEQUENCE, each with tag and length. */
export function elementsOf(sequence: Uint8Array): Uint8Array[] {
  const reader = new DerReader(sequence, bad).enter(DerTag.sequence);
  const elements: Uint8Array[] = [];
  while (!reader.atEnd) elements.push(reader.element().whole);
  return elements;
}

export function sequenceOf(...elements: readonly Uint8Array[]): Uint8Array {
  return derEncode(DerTag.sequence, ...elements);
}

export function bitString(bytes: Uint8Array, unused: number = 0): Uint8Array {
  return derEncode(DerTag.bitString, Uint8Array.of(unused), bytes);
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Where a field is in TBSCertificate as the test CA makes it: all of them, without unique identifiers. */
export const field = {
  version: 0,
  serialNumber: 1,
  signature: 2,
  issuer: 3,
  validity: 4,
  subject: 5,
  subjectPublicKeyInfo: 6,
  extensions: 7,
} as const;

/**
 * @param change is given the fields of TBSCertificate, each with tag and length, and changes them in place
 * @param ca signs the result
 */
export async function crafted(
  certificate: Uint8Array,
  ca: TestCa,
  change: (fields: Uint8Array[]) => void,
): Promise<Uint8Array> {
  const [tbs, algorithm] = elementsOf(certificate) as [Uint8Array, Uint8Array];
  const fields = elementsOf(tbs);
  change(fields);
  const changed = sequenceOf(...fields);
  return sequenceOf(changed, algorithm, bitString(await ca.sign(changed)));
}

/** The answer of a synchronous provider, or of what is built on one. */
export function atOnce<T>(answer: Awaitable<T>): T {
  if (isPromise(answer)) throw new TypeError('this should have answered at once');
  return answer;
}

/** Why something was refused; fails if it was not, or if anything but the refusal of a certificate came out. */
export function refusal(run: () => unknown): CertificateErrorDetail {
  try {
    run();
  } catch (error) {
    if (isTlsError(error) && error.detail.code === 'InvalidCertificate') return error.detail;
    throw error;
  }
  throw new Error('it was accepted');
}
