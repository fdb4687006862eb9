/** First flights with early data, recorded and sent again to two servers at once. */
import { ClientConnection, clientSessionMemory, type ClientSessionStore } from '@tyls/tls-core';
import { createClientConfig } from '@tyls/tls-node';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { ca, dial, identity } from '../peers.ts';
import { Program, programs } from './rpc.ts';
import { type ServerProgram } from './server.ts';

const { path, remove } = await programs('server');
afterAll(remove);

function start(): Program<ServerProgram> {
  const program = new Program<ServerProgram>(path('server'));
  onTestFinished(() => program.stop());
  return program;
}

const flights = 100;
const ticketsEach = 16;

/** Two servers that share a store in a third process, or have one each, and their ports. */
async function twoServers(isShared: boolean): Promise<{ servers: Program<ServerProgram>[]; ports: number[] }> {
  const storePort = isShared ? await start().call('serveStore') : undefined;
  const servers = [start(), start()];
  const options = { certificate: identity.chainPem, key: identity.privateKeyPem, maxEarlyDataSize: 1000, storePort };
  const ports = await Promise.all(servers.map((one) => one.call('listen', { ...options, ticketCount: ticketsEach })));
  return { servers, ports };
}

/** The first flights of clients that resume, each with a ticket of its own and a request of its own. */
async function recordFlights(port: number): Promise<Buffer[]> {
  const tickets: Uint8Array[] = [];
  const sessionStore: ClientSessionStore = {
    ...clientSessionMemory(),
    addTicket: (_key, ticket) => void tickets.push(ticket),
    takeTicket: () => undefined,
  };
  for (let i = 0; i < flights / ticketsEach; i++) {
    const client = dial(port, { sessionStore });
    client.resume().end('ping');
    await once(client, 'close');
  }
  const takeTicket = (): Uint8Array | undefined => tickets.pop();
  const config = await createClientConfig({
    ca: ca.certificate,
    sessionStore: { ...sessionStore, takeTicket },
    earlyData: true,
  });
  return Array.from({ length: flights }, (_, i) => {
    const client = new ClientConnection(config, 'localhost');
    void client.start();
    const request = Buffer.from(`request ${i}`);
    expect(client.sendEarlyData(request)).toBe(request.length);
    return Buffer.concat(client.takeOutput());
  });
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends each flight to all ports at once. @returns what came early at the servers, as many as there are flights or more */
async function replay(
  recorded: readonly Buffer[],
  { servers, ports }: Awaited<ReturnType<typeof twoServers>>,
): Promise<string[]> {
  const sockets = await Promise.all(
    recorded.flatMap((flight) => ports.map(async (port) => ({ flight, socket: await open(port) }))),
  );
  const answers = sockets.map(async ({ socket }) => once(socket, 'data'));
  for (const { flight, socket } of sockets) socket.write(flight);
  await Promise.all(answers);
  // An answer leaves before what came early is handed over; more than there should be would come at once too.
  const early = async (): Promise<string[]> => (await Promise.all(servers.map((one) => one.call('early')))).flat();
  while ((await early()).length < recorded.length) await setTimeout(5);
  await setTimeout(200);
  return early();
}

const requests = Array.from({ length: flights }, (_, i) => `request ${i}`).toSorted();

test('servers that share a store accept each recorded flight once, whichever is asked', async () => {
  const both = await twoServers(true);
  const recorded = await recordFlights(both.ports[0]!);
  expect((await replay(recorded, both)).toSorted()).toEqual(requests);
  // Nor later, by anybody.
  expect((await replay(recorded, both)).toSorted()).toEqual(requests);
});

test('a server with a store of its own accepts each recorded flight once, and others none', async () => {
  const both = await twoServers(false);
  const recorded = await recordFlights(both.ports[0]!);
  expect((await replay(recorded, both)).toSorted()).toEqual(requests);
  expect(await both.servers[1]!.call('early')).toEqual([]);
});
