/** Bulk data over a stream, as fast as it takes it. */
import { once } from 'node:events';
import { type Duplex } from 'node:stream';

/** Reads and drops so many bytes; leaves the stream paused. */
export async function receiveBytes(stream: Duplex, bytes: number): Promise<void> {
  const { promise, resolve, reject } = withResolvers();
  let left = bytes;
  const onData = (chunk: Uint8Array): void => {
    left -= chunk.length;
    if (left <= 0) resolve();
  };
  stream.on('data', onData).once('error', reject).resume();
  await promise;
  stream.pause().off('data', onData).off('error', reject);
}

/** Sends so many bytes in writes of one size, each when the stream says that it has room. */
export async function sendBytes(stream: Duplex, bytes: number, writeSize: number): Promise<void> {
  const data = Buffer.alloc(writeSize, 'tyls');
  for (let left = bytes; left > 0; left -= writeSize) {
    if (!stream.write(left < writeSize ? data.subarray(0, left) : data)) await once(stream, 'drain');
  }
}

function withResolvers(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
} {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
