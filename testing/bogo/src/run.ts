/** One run: a connection, and as many more as are to resume it. */
import {
  AlertDescription,
  ClientConnection,
  clientSessionMemory,
  type Connection,
  nameOf,
  ServerConnection,
  serverSessionMemory,
  ticketer,
  TlsError,
} from '@tyls/tls-core';
import { clientConfigOf, serverConfigOf, type Surroundings } from './configs.ts';
import { exchange } from './exchange.ts';
import { type Flags, type FlagsByConnection } from './flags.ts';
import { chosenProvider } from './provider.ts';
import { RunnerSocket } from './runner_socket.ts';
import { type Seen } from './seen.ts';

/** @returns the status to exit with */
export async function run({ initial, resume, retry }: FlagsByConnection): Promise<number> {
  const provider = await chosenProvider();
  // A clock that stands still but where a test moves it: ages are compared to the millisecond.
  let nowMillis = Date.now();
  const now = (): number => nowMillis;
  const surroundings: Surroundings = {
    provider,
    now,
    clientSessions: clientSessionMemory(),
    serverSessions: serverSessionMemory(),
    ticketer: ticketer({ provider, time: now }),
    hasTicketer: initial['enable-early-data'] !== true && resume['enable-early-data'] !== true,
  };
  const runs = [initial, ...Array<Flags>(initial['resume-count'] ?? 0).fill(resume)];
  for (const [count, flags] of runs.entries()) {
    const seen: Seen = { trafficSecrets: new Map(), messages: [], storedSessions: 0, psks: [] };
    const connection = await connectionOf(flags, surroundings, seen);
    const socket = await RunnerSocket.connect(flags);
    try {
      await exchange({ flags, retry, isResumption: count > 0, connection, socket, seen });
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      process.stderr.write(`[${codeOf(error)}] ${error.message}\n`);
      socket.write(connection.takeOutput());
      return 1;
    } finally {
      await socket.end();
    }
    nowMillis += (flags['resumption-delay'] ?? 0) * 1000;
  }
  return 0;
}

/** What config.json maps the runner's errors to. */
function codeOf({ code, detail }: TlsError): string {
  return detail.code === 'AlertReceived' ? `${code}.${nameOf(AlertDescription, detail.alert)}` : code;
}

async function connectionOf(flags: Flags, surroundings: Surroundings, seen: Seen): Promise<Connection> {
  if (flags.server !== true) {
    return new ClientConnection(await clientConfigOf(flags, surroundings, seen), flags['host-name'] ?? 'example.com');
  }
  const config = await serverConfigOf(flags, surroundings, seen);
  return new ServerConnection((hello) => {
    seen.hello = hello;
    // What says that there is nothing for this client, and what breaks.
    if (flags['fail-early-callback'] === true) {
      throw new TlsError({ code: 'NoSuitableCertificate', serverName: hello.serverName });
    }
    if (flags['fail-ddos-callback'] === true) throw new Error('the callback fails, as the test says');
    return config;
  });
}
