// The files that go along with an answer. Each is uploaded as soon as it is chosen; what is too big or of the wrong kind stays in
// sight with the reason, and keeps the answer from going. It knows nothing of the words beside them.
import { media } from '../api/calls';
import type { Allowance, ReplyBody, Upload } from '../api/types';
import { explain } from '../app/problems';
import { t } from '../i18n/i18n.svelte';

export interface Enclosed {
  key: string;
  file: File;
  preview: string | null;
  upload: Upload | null;
  alt: string;
  failed: string | null;
}

type Limit = Allowance['attachments'];

const forget = (item: Enclosed): void => {
  if (item.preview) URL.revokeObjectURL(item.preview);
};

export class Enclosures {
  /** What may go along where the answer goes; null when that is not known. */
  private readonly limit!: () => Limit | null;
  /** Called when a file came or went. */
  private readonly changed!: () => void;
  items = $state.raw<Enclosed[]>([]);
  readonly altMissing = $derived.by(
    (): boolean =>
      (this.limit()?.alt_max ?? 0) > 0 &&
      this.items.some((item) => item.file.type.startsWith('image/') && item.alt.trim() === ''),
  );
  readonly uploading = $derived(this.items.some((item) => !item.upload && !item.failed));
  /** All of them are at the server. */
  readonly ready = $derived(this.items.every((item) => item.upload));

  constructor(limit: () => Limit | null, changed: () => void) {
    this.limit = limit;
    this.changed = changed;
  }

  /** Adds what fits; gives how many may go along at most when these are more. */
  async add(files: Iterable<File>): Promise<number | null> {
    const limit = this.limit();
    if (!limit) return null;
    for (const file of files) {
      if (this.items.length >= limit.max) return limit.max;
      const item: Enclosed = {
        key: crypto.randomUUID(),
        file,
        preview: file.type.startsWith('image/') ? URL.createObjectURL(file) : null,
        upload: null,
        alt: '',
        failed: null,
      };
      if (limit.max_bytes > 0 && file.size > limit.max_bytes) item.failed = t('composer.too_big');
      else if (limit.mimes.length > 0 && !limit.mimes.includes(file.type)) item.failed = t('composer.wrong_kind');
      this.items = [...this.items, item];
      this.changed();
      if (item.failed) continue;
      try {
        this.edit(item.key, { upload: await media.upload(file) });
      } catch (error) {
        this.edit(item.key, { failed: explain(error).text });
      }
    }
    return null;
  }

  edit(key: string, change: Partial<Enclosed>): void {
    this.items = this.items.map((item) => (item.key === key ? { ...item, ...change } : item));
  }

  remove(key: string): void {
    this.drop(new Set([key]));
    this.changed();
  }

  /** These were sent. */
  drop(keys: ReadonlySet<string>): void {
    for (const item of this.items) if (keys.has(item.key)) forget(item);
    this.items = this.items.filter((item) => !keys.has(item.key));
  }

  get keys(): ReadonlySet<string> {
    return new Set(this.items.map((item) => item.key));
  }

  /** As an answer names them. */
  get uploads(): NonNullable<ReplyBody['attachments']> {
    return this.items.flatMap((item) => (item.upload ? [{ upload_id: item.upload.id, alt: item.alt }] : []));
  }

  stop(): void {
    this.items.forEach(forget);
  }
}
