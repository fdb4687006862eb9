/**
 * Hybrid groups (draft-ietf-tls-ecdhe-mlkem): ML-KEM-768 (FIPS 203) and a classical group side by side, so that the
 * shared secret stays one for as long as either of them holds.
 */
import { concat, wipe } from '../codec/bytes.ts';
import { NamedGroup, nameOf } from '../registry.ts';
import { runToEnd } from '../step/runner.ts';
import { type Awaitable, type Step, wait } from '../step/step.ts';
import { type ActiveKeyExchange, type KeyExchangeAnswer, type KeyExchangeGroup } from './provider.ts';

/** A key encapsulation mechanism. The hybrids here are made with ML-KEM-768. */
export interface Kem {
  readonly generateKeyPair: () => Awaitable<KemKeyPair>;
  /**
   * @param encapsulationKey as long as it should be; nothing else of it is checked
   * @returns `undefined` if the key is invalid: a coefficient that is not below the modulus (FIPS 203 section 7.2)
   */
  readonly encapsulate: (encapsulationKey: Uint8Array) => Awaitable<Encapsulation | undefined>;
}

/** An ephemeral key pair of a {@link Kem}. Used once. */
export interface KemKeyPair {
  /** ML-KEM-768: 1184 bytes. */
  readonly encapsulationKey: Uint8Array;
  /**
   * @param ciphertext as long as it should be. One that was made for another key gives a secret that nobody knows
   *   (implicit rejection, FIPS 203 section 6.3)
   * @returns the shared secret, or `undefined` if the backend refuses the ciphertext all the same
   */
  readonly decapsulate: (ciphertext: Uint8Array) => Awaitable<Uint8Array | undefined>;
}

/** What a {@link Kem} makes of an encapsulation key. */
export interface Encapsulation {
  /** ML-KEM-768: 1088 bytes. */
  readonly ciphertext: Uint8Array;
  /** ML-KEM-768: 32 bytes. */
  readonly sharedSecret: Uint8Array;
}

/** FIPS 203 table 3. */
const encapsulationKeyLength = 1184;
const ciphertextLength = 1088;

/** How a hybrid is put together, section 4.1 of the draft: shares and secrets in the same order. */
interface Layout {
  readonly name: NamedGroup;
  readonly classical: NamedGroup;
  /** In bytes, on either side. */
  readonly classicalShareLength: number;
  readonly first: 'kem' | 'classical';
}

/** The secret of X25519 comes second, that of the NIST curve first, as FIPS validation of it wants. */
const x25519MlKem768Layout: Layout = {
  name: NamedGroup.X25519MLKEM768,
  classical: NamedGroup.X25519,
  classicalShareLength: 32,
  first: 'kem',
};
const secp256r1MlKem768Layout: Layout = {
  name: NamedGroup.SecP256r1MLKEM768,
  classical: NamedGroup.secp256r1,
  classicalShareLength: 65,
  first: 'classical',
};

/**
 * X25519MLKEM768: shares of 1216 bytes from the client and of 1120 from the server, secrets of 64.
 *
 * @param x25519 of any provider, the same as the KEM's or another
 * @throws TypeError if that is another group
 */
export function x25519MlKem768(mlKem768: Kem, x25519: KeyExchangeGroup): KeyExchangeGroup {
  return hybrid(x25519MlKem768Layout, mlKem768, x25519);
}

/**
 * SecP256r1MLKEM768: shares of 1249 bytes from the client and of 1153 from the server, secrets of 64.
 *
 * @param secp256r1 of any provider, the same as the KEM's or another
 * @throws TypeError if that is another group
 */
export function secp256r1MlKem768(mlKem768: Kem, secp256r1: KeyExchangeGroup): KeyExchangeGroup {
  return hybrid(secp256r1MlKem768Layout, mlKem768, secp256r1);
}

/**
 * The groups, and before them the hybrids of those that have one: X25519MLKEM768, then SecP256r1MLKEM768. A hybrid that
 * is among the groups already stays where it is.
 */
export function withHybrids(groups: readonly KeyExchangeGroup[], mlKem768: Kem): readonly KeyExchangeGroup[] {
  const groupOf = (wanted: NamedGroup): KeyExchangeGroup | undefined => groups.find(({ name }) => name === wanted);
  const hybrids = [x25519MlKem768Layout, secp256r1MlKem768Layout].flatMap((layout) => {
    const classical = groupOf(layout.classical);
    return classical === undefined || groupOf(layout.name) !== undefined ? [] : [hybrid(layout, mlKem768, classical)];
  });
  return [...hybrids, ...groups];
}

function hybrid(layout: Layout, kem: Kem, classical: KeyExchangeGroup): KeyExchangeGroup {
  if (classical.name !== layout.classical) {
    const [name, wanted, given] = [layout.name, layout.classical, classical.name].map((one) => nameOf(NamedGroup, one));
    throw new TypeError(`${name} is made with ${wanted}, not ${given}`);
  }
  return {
    name: layout.name,
    start: () => runToEnd(start(layout, kem, classical)),
    respond: (clientShare) => runToEnd(respond(layout, kem, classical, clientShare)),
  };
}

function* start(layout: Layout, kem: Kem, classical: KeyExchangeGroup): Step<ActiveKeyExchange> {
  const keyPair = yield* wait(kem.generateKeyPair());
  const started = yield* wait(classical.start());
  return {
    keyShare: join(layout, keyPair.encapsulationKey, started.keyShare),
    complete: (serverShare) => runToEnd(complete(layout, keyPair, started, serverShare)),
    hybridComponent: { group: classical.name, keyShare: started.keyShare, complete: started.complete },
  };
}

function* complete(
  layout: Layout,
  keyPair: KemKeyPair,
  started: ActiveKeyExchange,
  serverShare: Uint8Array,
): Step<Uint8Array | undefined> {
  const parts = split(layout, ciphertextLength, serverShare);
  if (parts === undefined) return undefined;
  const classicalSecret = yield* wait(started.complete(parts.classical));
  if (classicalSecret === undefined) return undefined;
  try {
    const kemSecret = yield* wait(keyPair.decapsulate(parts.kem));
    return kemSecret === undefined ? undefined : joinSecrets(layout, kemSecret, classicalSecret);
  } finally {
    wipe(classicalSecret);
  }
}

function* respond(
  layout: Layout,
  kem: Kem,
  classical: KeyExchangeGroup,
  clientShare: Uint8Array,
): Step<KeyExchangeAnswer | undefined> {
  const parts = split(layout, encapsulationKeyLength, clientShare);
  if (parts === undefined) return undefined;
  const answer = yield* wait(classical.respond(parts.classical));
  if (answer === undefined) return undefined;
  try {
    const encapsulation = yield* wait(kem.encapsulate(parts.kem));
    if (encapsulation === undefined) return undefined;
    return {
      keyShare: join(layout, encapsulation.ciphertext, answer.keyShare),
      sharedSecret: joinSecrets(layout, encapsulation.sharedSecret, answer.sharedSecret),
    };
  } finally {
    wipe(answer.sharedSecret);
  }
}

function join({ first }: Layout, kem: Uint8Array, classical: Uint8Array): Uint8Array {
  return concat(first === 'kem' ? [kem, classical] : [classical, kem]);
}

/** Wipes the KEM's. */
function joinSecrets(layout: Layout, kemSecret: Uint8Array, classicalSecret: Uint8Array): Uint8Array {
  const secret = join(layout, kemSecret, classicalSecret);
  wipe(kemSecret);
  return secret;
}

/** Sections 4.1 and 4.2 of the draft: a share of any other length is refused. */
function split(
  { first, classicalShareLength }: Layout,
  kemLength: number,
  share: Uint8Array,
): { readonly kem: Uint8Array; readonly classical: Uint8Array } | undefined {
  if (share.length !== kemLength + classicalShareLength) return undefined;
  return first === 'kem'
    ? { kem: share.subarray(0, kemLength), classical: share.subarray(kemLength) }
    : { classical: share.subarray(0, classicalShareLength), kem: share.subarray(classicalShareLength) };
}
