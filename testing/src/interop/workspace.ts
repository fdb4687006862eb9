/** A folder for the files that peers are given, and for those that they write. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Workspace {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'tyls-interop-'));
  readonly #paths = new Map<string | Uint8Array, string>();
  #count = 0;

  constructor() {
    // Also where a test run ends before its tests do.
    process.once('exit', () => this.remove());
  }

  /** The path of a file with this content, which is written once. */
  file(content: string | Uint8Array): string;
  file(content: string | Uint8Array | undefined): string | undefined;
  file(content: string | Uint8Array | undefined): string | undefined {
    if (content === undefined) return undefined;
    let path = this.#paths.get(content);
    if (path === undefined) {
      path = this.newPath();
      writeFileSync(path, content, { mode: 0o600 });
      this.#paths.set(content, path);
    }
    return path;
  }

  /** A path where there is no file yet. */
  newPath(): string {
    return join(this.#folder, String(this.#count++));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
