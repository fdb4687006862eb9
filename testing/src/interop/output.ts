/** What a peer says of itself: text that grows, and that can be waited for. */

const limit = 1 << 20;
const waitMillis = 10_000;

export class Output {
  #text = '';
  #ended = false;
  readonly #watchers = new Set<() => void>();

  /** Everything up to now; the first megabyte. */
  get text(): string {
    return this.#text;
  }

  /** Where to look from, for who waits for what comes next: see {@link until}. */
  get mark(): number {
    return this.#text.length;
  }

  add(text: string): void {
    if (this.#text.length < limit) this.#text += text;
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** Waits until `pattern` is there behind `mark`. Rejects if the output ends without it, or it takes ten seconds. */
  async until(pattern: RegExp, mark: number = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + waitMillis;
    const timer = setTimeout(() => this.#notify(), waitMillis + 1);
    try {
      for (;;) {
        const found = pattern.exec(this.#text.slice(mark));
        if (found !== null) return found;
        if (this.#ended) throw new Error(`the peer ended without ${String(pattern)}; it printed:\n${this.#text}`);
        if (Date.now() >= deadline) {
          throw new Error(`the peer did not print ${String(pattern)} in time, but:\n${this.#text}`);
        }
        await this.#changed();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
