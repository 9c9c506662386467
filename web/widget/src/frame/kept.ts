// What outlives the page: the token, unsent messages, what was read, what was declined. Kept in our origin's own storage;
// where the browser gives a frame of another site none, the loader keeps it in the site's; else it lasts as long as the page.
export interface Storing {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
  key(index: number): string | null;
  readonly length: number;
}

export interface KeptOptions {
  mode: 'frame' | 'site' | 'none';
  account: string;
  /** Throws where storage is forbidden. */
  own: () => Storing;
  /** What the loader has kept before. */
  site: Record<string, string>;
  tell: (name: string, value: string | null) => void;
}

export class Kept {
  private readonly own: Storing | undefined;
  private readonly memory: Map<string, string>;
  private readonly prefix: string;

  constructor(private readonly options: KeptOptions) {
    this.prefix = `balie:${options.account}:`;
    this.own = options.mode === 'frame' ? usable(options.own) : undefined;
    this.memory = new Map(options.mode === 'none' ? [] : Object.entries(options.site));
    // Storage that came back (another browser version, a changed setting) takes over what the site kept for us.
    if (this.own && this.memory.size) {
      for (const [name, value] of this.memory) {
        if (this.get(name) === null) this.set(name, value);
        options.tell(name, null);
      }
    }
  }

  get(name: string): string | null {
    if (this.own) return this.own.getItem(this.prefix + name);
    return this.memory.get(name) ?? null;
  }

  set(name: string, value: string | null): void {
    if (this.get(name) === value) return;
    if (this.own) {
      try {
        if (value === null) this.own.removeItem(this.prefix + name);
        else this.own.setItem(this.prefix + name, value);
      } catch {
        // Full. What is on the screen still works; only a reload would miss this value.
      }
      return;
    }
    if (value === null) this.memory.delete(name);
    else this.memory.set(name, value);
    if (this.options.mode !== 'none') this.options.tell(name, value);
  }

  /** Names that begin with `start`, with their values. */
  each(start: string): [name: string, value: string][] {
    if (!this.own) return [...this.memory].filter(([name]) => name.startsWith(start));
    const found: [string, string][] = [];
    for (let i = 0; i < this.own.length; i++) {
      const name = this.own.key(i);
      if (name?.startsWith(this.prefix + start)) found.push([name.slice(this.prefix.length), this.own.getItem(name) ?? '']);
    }
    return found;
  }

  /** Another tab changed what the site keeps for us; whether that is news here. */
  heard(name: string, value: string | null): boolean {
    if (this.own || this.options.mode === 'none') return false;
    if (value === null) this.memory.delete(name);
    else this.memory.set(name, value);
    return true;
  }

  clear(): void {
    for (const [name] of this.each('')) this.set(name, null);
  }

  /** The name of ours in a `storage` event, when it is ours. */
  ours(key: string | null): string | undefined {
    return key?.startsWith(this.prefix) ? key.slice(this.prefix.length) : undefined;
  }
}

function usable(own: () => Storing): Storing | undefined {
  try {
    const storage = own();
    storage.setItem('balie', '1');
    storage.removeItem('balie');
    return storage;
  } catch {
    return undefined;
  }
}
