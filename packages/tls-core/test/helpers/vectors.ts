/** Test vectors that lie beside the repository, where they are there. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The parsed JSON file, or `undefined` (and one line that says so) without it. */
export function vectors(path: string): unknown {
  const file = fileURLToPath(new URL(`../../../../../shared/vectors/${path}`, import.meta.url));
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.log(`not run: there is no ../shared/vectors/${path}`);
    return undefined;
  }
}
