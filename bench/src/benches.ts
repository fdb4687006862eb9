/** Every measurement, in the order of the report. */
import { type Bench } from './bench.ts';
import { bulkLoopback } from './bulk_loopback.ts';
import { bulkMemory } from './bulk_memory.ts';
import { bundleSizes } from './bundle.ts';
import { handshakeLoopback } from './handshake_loopback.ts';
import { handshakeMemory } from './handshake_memory.ts';
import { hostile } from './hostile.ts';
import { idleMemory } from './idle_memory.ts';
import { webpki } from './webpki.ts';

export const benches: readonly Bench[] = [
  ...handshakeMemory,
  ...handshakeLoopback,
  ...bulkMemory,
  ...bulkLoopback,
  ...idleMemory,
  ...webpki,
  ...hostile,
  bundleSizes,
];
