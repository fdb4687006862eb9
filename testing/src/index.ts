/** `@tyls/testing`: what the tests of several packages share. */
export * from './pki.ts';
export * from './configs.ts';
export * from './cpu_clock.ts';
export * from './pair.ts';
export * from './interop/index.ts';
