/** Every measurement, in the order of the report. */
// Before anything brings in the newer @peculiar/x509: what this one's adds to Reflect fails on top of what that adds.
import '@reclaimprotocol/tls';
import { otherBackends } from './backends.ts';
import { type Bench } from './bench.ts';
import { bulkLoopback } from './bulk_loopback.ts';
import { bulkMemory } from './bulk_memory.ts';
import { bundleSizes } from './bundle.ts';
import { firstByte } from './first_byte.ts';
import { growth } from './growth.ts';
import { handshakeAllocation } from './handshake_allocation.ts';
import { handshakeClient } from './handshake_client.ts';
import { handshakeLoopback } from './handshake_loopback.ts';
import { handshakeMemory } from './handshake_memory.ts';
import { handshakeResumed } from './handshake_resumed.ts';
import { hostile } from './hostile.ts';
import { https } from './https.ts';
import { idleMemory } from './idle_memory.ts';
import { importTimes } from './import_time.ts';
import { webpki } from './webpki.ts';

export const benches: readonly Bench[] = [
  ...handshakeMemory,
  ...handshakeLoopback,
  ...handshakeResumed,
  firstByte,
  ...bulkMemory,
  ...bulkLoopback,
  ...otherBackends,
  ...handshakeClient,
  ...https,
  ...idleMemory,
  handshakeAllocation,
  ...webpki,
  ...hostile,
  ...importTimes,
  ...growth,
  bundleSizes,
];
