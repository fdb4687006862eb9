/** Servers that have to be told their port. */
import { type AddressInfo, createServer } from 'node:net';
import { type RunningServer } from './peer.ts';
import { type PeerProcess } from './peer_process.ts';

/** @param ready what the server prints once it accepts connections */
export async function onFreePort(start: (port: number) => PeerProcess, ready: RegExp): Promise<RunningServer> {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const server = start(port);
    try {
      await server.output.until(ready);
      return { port, output: server.output, stop: () => server.stop() };
    } catch (error) {
      // Another program may have taken the port in the meantime.
      await server.stop();
      if (attempt === 4) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
