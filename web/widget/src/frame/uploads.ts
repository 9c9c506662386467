// Files on their way into the message being written: each is uploaded at once, and goes along by its id.
import { Refusal } from './api';
import type { Key, Holes } from './i18n';
import type { Config, Uploaded } from './wire';

export interface Upload {
  key: number;
  name: string;
  /** A picture to look at while it is here. */
  preview: string | null;
  done?: Uploaded;
  failed?: string;
}

export interface UploadsAround {
  limits(): Config['files'];
  send(file: File): Promise<Uploaded>;
  changed(): void;
  say(key: Key, holes?: Holes): string;
  refusal(code: string, holes?: Holes): string;
  size(bytes: number): string;
  preview(file: File): string | null;
  forget(preview: string): void;
}

export class Uploads {
  all: Upload[] = [];
  private next = 1;

  constructor(private readonly around: UploadsAround) {}

  get ready(): Uploaded[] {
    return this.all.flatMap((one) => one.done ?? []);
  }

  get busy(): boolean {
    return this.all.some((one) => !one.done && !one.failed);
  }

  /** Takes files in; returns what is wrong with the whole lot, in words. */
  add(files: Iterable<File>): string | undefined {
    const limits = this.around.limits();
    if (!limits) return this.around.refusal('not_possible');
    const list = [...files];
    const room = limits.max - this.all.length;
    for (const file of list.slice(0, room)) void this.one(file, limits);
    this.around.changed();
    return list.length > room ? this.around.say('error.too_many', { n: limits.max }) : undefined;
  }

  remove(key: number): void {
    const index = this.all.findIndex((one) => one.key === key);
    const [gone] = index < 0 ? [] : this.all.splice(index, 1);
    if (gone?.preview) this.around.forget(gone.preview);
    this.around.changed();
  }

  clear(): void {
    for (const one of this.all.splice(0)) if (one.preview) this.around.forget(one.preview);
  }

  private async one(file: File, limits: NonNullable<Config['files']>): Promise<void> {
    const upload: Upload = { key: this.next++, name: file.name || this.around.say('picture'), preview: null };
    this.all.push(upload);
    // Told before a megabyte is sent; what the file really is the server decides by its content.
    if (file.size > limits.max_bytes) upload.failed = this.around.say('error.too_large', { max: this.around.size(limits.max_bytes) });
    else if (file.type && !limits.mimes.includes(file.type)) upload.failed = this.around.refusal('unsupported_type');
    if (upload.failed) return;
    upload.preview = file.type.startsWith('image/') ? this.around.preview(file) : null;
    try {
      upload.done = await this.around.send(file);
    } catch (wrong) {
      upload.failed =
        wrong instanceof Refusal
          ? this.around.refusal(wrong.code, { n: wrong.retryAfter ?? 60, max: this.around.size(limits.max_bytes) })
          : this.around.refusal('unreachable');
    }
    this.around.changed();
  }
}
