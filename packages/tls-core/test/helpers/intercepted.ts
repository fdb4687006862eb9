/** A provider whose calls a test can see, delay and break. */
import {
  type ActiveKeyExchange,
  type Awaitable,
  type CertifiedKey,
  type CryptoProvider,
  isPromise,
  type SupportedCipherSuite,
} from '@tyls/tls-core';

/** The calls that may answer later. */
export const awaitableCalls = ['start', 'respond', 'complete', 'seal', 'open', 'verify', 'sign'] as const;
/** The calls that answer at once. */
export const immediateCalls = ['random', 'hash', 'digest', 'extract', 'expand', 'hmac', 'sealer', 'opener'] as const;

export interface Hooks {
  /** Around each of {@link awaitableCalls}. */
  readonly awaitable?: <T>(call: (typeof awaitableCalls)[number], act: () => Awaitable<T>) => Awaitable<T>;
  /** Before each of {@link immediateCalls}. */
  readonly immediate?: (call: (typeof immediateCalls)[number]) => void;
}

/** Answers everything later than it was asked. */
export const later: Hooks = {
  async awaitable(_call, act) {
    await Promise.resolve();
    return act();
  },
};

export function intercepted(provider: CryptoProvider, hooks: Hooks): CryptoProvider {
  const { awaitable = (_call, act) => act(), immediate = () => {} } = hooks;
  const { algorithms, schemes } = provider.signatureVerification;
  const verifying = new Map(
    algorithms.map((algorithm) => [
      algorithm,
      {
        ...algorithm,
        verify: (...input: Parameters<typeof algorithm.verify>) =>
          awaitable('verify', () => algorithm.verify(...input)),
      },
    ]),
  );
  return {
    ...provider,
    random(bytes) {
      immediate('random');
      provider.random(bytes);
    },
    cipherSuites: provider.cipherSuites.map((suite) => interceptedSuite(suite, { awaitable, immediate })),
    keyExchangeGroups: provider.keyExchangeGroups.map((group) => {
      const started = (active: ActiveKeyExchange): ActiveKeyExchange => ({
        ...active,
        complete: (share) => awaitable('complete', () => active.complete(share)),
      });
      return {
        name: group.name,
        start: () =>
          awaitable('start', () => {
            const active = group.start();
            return isPromise(active) ? active.then(started) : started(active);
          }),
        respond: (share) => awaitable('respond', () => group.respond(share)),
      };
    }),
    signatureVerification: {
      algorithms: [...verifying.values()],
      schemes: schemes.map(({ scheme, algorithms: ofScheme }) => ({
        scheme,
        algorithms: ofScheme.map((algorithm) => verifying.get(algorithm)!),
      })),
    },
  };
}

function interceptedSuite(
  suite: SupportedCipherSuite,
  { awaitable, immediate }: Required<Hooks>,
): SupportedCipherSuite {
  const { hash, hkdf, aead } = suite;
  return {
    ...suite,
    hash: {
      ...hash,
      start() {
        immediate('hash');
        const context = hash.start();
        return {
          update: context.update,
          peek() {
            immediate('digest');
            return context.peek();
          },
        };
      },
    },
    hkdf: {
      extract(...input) {
        immediate('extract');
        return hkdf.extract(...input);
      },
      expand(...input) {
        immediate('expand');
        return hkdf.expand(...input);
      },
      hmac(...input) {
        immediate('hmac');
        return hkdf.hmac(...input);
      },
    },
    aead: {
      ...aead,
      sealer(key) {
        immediate('sealer');
        const sealer = aead.sealer(key);
        return { seal: (...input) => awaitable('seal', () => sealer.seal(...input)) };
      },
      opener(key) {
        immediate('opener');
        const opener = aead.opener(key);
        return { open: (...input) => awaitable('open', () => opener.open(...input)) };
      },
    },
  };
}

export function interceptedKey(certified: CertifiedKey, { awaitable }: Hooks): CertifiedKey {
  if (awaitable === undefined) return certified;
  return {
    ...certified,
    key: {
      ...certified.key,
      chooseScheme(offered) {
        const signer = certified.key.chooseScheme(offered);
        if (signer === undefined) return undefined;
        return { scheme: signer.scheme, sign: (message) => awaitable('sign', () => signer.sign(message)) };
      },
    },
  };
}
