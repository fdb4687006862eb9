/** The bytes of a handshake over plain TCP, without TLS: what is left of it besides the operations is sending these. */
import { type Duplex } from 'node:stream';
import { type SuiteName, tylsConfigs } from './configs.ts';
import { type Turn } from './handshake_floor.ts';
import { tylsPair } from './memory_pair.ts';
import { type WebChain } from './pki.ts';

/**
 * The flights of a full handshake in turn, the client's first, each as long as that of tyls and full of nothing but its
 * length, which takes the place of record headers. The two ends may have measured that apart: signatures by ECDSA are a
 * few bytes longer or shorter from one to the next.
 */
export async function flightsOf(chain: WebChain, suite: SuiteName): Promise<readonly Buffer[]> {
  const flights: Buffer[] = [];
  tylsPair(await tylsConfigs(chain, suite), (_by, length) => {
    if (length === 0) return;
    const flight = Buffer.alloc(length);
    flight.writeUInt32BE(length);
    flights.push(flight);
  });
  return flights;
}

/** One side of an exchange of flights. */
export interface FlightsOfSide {
  readonly side: 'client' | 'server';
  /** Of both sides, see `handshakeTurns`. */
  readonly turns: readonly Turn[];
  /** Of both sides, see {@link flightsOf}. */
  readonly flights: readonly Buffer[];
}

/** Takes the turns of one side. Leaves the socket flowing: who wants what comes next listens at once. */
export async function exchangeFlights(socket: Duplex, { side, turns, flights }: FlightsOfSide): Promise<void> {
  for (let i = side === 'client' ? 0 : 1; i < turns.length; i += 2) {
    if (i > 0) await flightFrom(socket);
    turns[i]!();
    if (i < flights.length) socket.write(flights[i]!);
  }
}

/** Settles once a whole flight has come; nothing follows it before the next is sent. */
function flightFrom(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let missing = 0;
    socket.on('data', function onData(chunk: Buffer) {
      if (missing === 0) missing = chunk.readUInt32BE();
      missing -= chunk.length;
      if (missing > 0) return;
      socket.off('data', onData);
      resolve();
    });
  });
}
