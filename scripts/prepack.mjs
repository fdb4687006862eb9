// Run by each package's prepack: its tarball carries the licences, which stand in the root of the repository once.
import { copyFileSync } from 'node:fs';

for (const name of ['LICENSE-APACHE', 'LICENSE-ISC', 'LICENSE-MIT']) {
  copyFileSync(new URL(`../${name}`, import.meta.url), name);
}
