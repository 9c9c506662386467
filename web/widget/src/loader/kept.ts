// What the frame asks the site's own storage to keep, where the browser gives the frame none. One prefix per account,
// so that two widgets on one site do not read each other's.
export class Kept {
  private readonly prefix: string;

  constructor(
    private readonly storage: () => Storage,
    account: string,
  ) {
    this.prefix = `balie:${account}:`;
  }

  all(): Record<string, string> {
    const found: Record<string, string> = {};
    this.trying((storage) => {
      for (let i = 0; i < storage.length; i++) {
        const name = storage.key(i);
        if (name?.startsWith(this.prefix)) found[name.slice(this.prefix.length)] = storage.getItem(name) ?? '';
      }
    });
    return found;
  }

  /** The name of ours in a `storage` event, when it is ours. */
  ours(key: string | null): string | undefined {
    return key?.startsWith(this.prefix) ? key.slice(this.prefix.length) : undefined;
  }

  set(name: string, value: string | null): void {
    this.trying((storage) => {
      if (value === null) storage.removeItem(this.prefix + name);
      else storage.setItem(this.prefix + name, value);
    });
  }

  /** Storage may be forbidden or full: the chat then lasts as long as the page. */
  private trying(run: (storage: Storage) => void): void {
    try {
      run(this.storage());
    } catch {
      // Nothing to do: there is no other place of the site's to keep it.
    }
  }
}
