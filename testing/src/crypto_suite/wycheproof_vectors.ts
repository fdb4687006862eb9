/** Reads the files of Project Wycheproof, which stand outside of the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const folder = new URL('../../../../shared/vectors/wycheproof/', import.meta.url);

/** Names of the files; `undefined`, and one line that says so, where the vectors are not at hand. */
export function wycheproofFiles(): readonly string[] | undefined {
  if (!existsSync(folder)) {
    console.warn('Wycheproof vectors are not at hand (../shared/vectors/wycheproof): their tests are skipped');
    return undefined;
  }
  return readdirSync(folder).filter((name) => name.endsWith('.json.gz'));
}

export function readWycheproof(name: string): VectorFile {
  return JSON.parse(gunzipSync(readFileSync(new URL(name, folder))).toString()) as VectorFile;
}

export interface VectorFile {
  readonly algorithm: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly VectorGroup[];
}

export interface VectorId {
  readonly tcId: number;
  readonly comment: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags?: readonly string[];
}

/** Fields by the group's type; bytes are hexadecimal, sizes are in bits unless the RFC has them in bytes. */
export type VectorGroup =
  | AeadGroup
  | KeyAgreementGroup
  | EcdsaGroup
  | EddsaGroup
  | RsaPkcs1Group
  | RsaPssGroup
  | HkdfGroup
  | MacGroup
  | Group<'MLKEMEncapsTest' | 'MLKEMKeyGen' | 'MLKEMTest', MlKemVector>
  | MlDsaGroup;

export interface AeadGroup extends Group<'AeadTest', AeadVector> {
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
}

export interface AeadVector extends VectorId {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

export interface KeyAgreementGroup extends Group<'EcdhEcpointTest' | 'XdhComp', KeyAgreementVector> {
  readonly curve: string;
}

export interface KeyAgreementVector extends VectorId {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

export interface EcdsaGroup extends Group<'EcdsaVerify' | 'EcdsaP1363Verify', SignatureVector> {
  readonly publicKey: { readonly curve: string; readonly uncompressed: string };
  readonly sha: string;
}

export interface EddsaGroup extends Group<'EddsaVerify', SignatureVector> {
  readonly publicKey: { readonly pk: string };
}

export interface RsaPkcs1Group extends Group<'RsassaPkcs1Verify', SignatureVector> {
  readonly publicKeyAsn: string;
  readonly sha: string;
}

export interface RsaPssGroup extends Group<'RsassaPssVerify', SignatureVector> {
  readonly publicKeyAsn: string;
  readonly sha: string;
  readonly mgf: string;
  readonly mgfSha: string;
  readonly sLen: number;
}

export interface SignatureVector extends VectorId {
  readonly msg: string;
  readonly sig: string;
}

export type HkdfGroup = Group<'HkdfTest', HkdfVector>;

export interface HkdfVector extends VectorId {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}

export type MacGroup = Group<'MacTest', MacVector>;

export interface MacVector extends VectorId {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

/** Named as in FIPS 203; each kind of group has those that it is about. */
export interface MlKemVector extends VectorId {
  readonly seed?: string;
  readonly ek?: string;
  readonly m?: string;
  readonly c?: string;
  readonly K?: string;
}

export interface MlDsaGroup extends Group<'MlDsaVerify', MlDsaVector> {
  readonly publicKey: string;
}

export interface MlDsaVector extends SignatureVector {
  readonly ctx?: string;
}

interface Group<Type, Vector extends VectorId> {
  readonly type: Type;
  readonly tests: readonly Vector[];
}
