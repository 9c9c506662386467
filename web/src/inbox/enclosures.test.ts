// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { media } from '../api/calls';
import type { Allowance, Upload } from '../api/types';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { Enclosures } from './enclosures.svelte';

type Limit = Allowance['attachments'];
const limit: Limit = { max: 2, max_bytes: 10, mimes: ['image/png', 'application/pdf'], alt_max: 100 };
const picture = (name = 'doos.png'): File => new File(['abc'], name, { type: 'image/png' });
const upload = vi.spyOn(media, 'upload');
const revoke = vi.spyOn(URL, 'revokeObjectURL').mockImplementation(() => undefined);
let allowed: Limit | null;
let changes: number;
let files: Enclosures;

beforeEach(() => {
  language.texts = en;
  allowed = limit;
  changes = 0;
  vi.spyOn(URL, 'createObjectURL').mockImplementation((file) => `blob:${(file as File).name}`);
  upload.mockReset().mockImplementation((file) => Promise.resolve({ id: `up-${file.name}` } as Upload));
  revoke.mockClear();
  files = new Enclosures(() => allowed, () => (changes += 1));
});
afterEach(() => files.stop());

describe('files that go along', () => {
  it('are uploaded as they are chosen, and named in the answer with their description', async () => {
    const added = files.add([picture()]);
    expect([files.uploading, files.ready, changes]).toEqual([true, false, 1]);
    expect(await added).toBeNull();
    expect([files.uploading, files.ready, files.items[0]?.preview]).toEqual([false, true, 'blob:doos.png']);
    files.edit(files.items[0]!.key, { alt: 'Een doos met een scheur' });
    expect(files.uploads).toEqual([{ upload_id: 'up-doos.png', alt: 'Een doos met een scheur' }]);
  });

  it('are no more than fit: those that do are kept, and how many may go is told', async () => {
    expect(await files.add([picture('a'), picture('b'), picture('c')])).toBe(2);
    expect(files.items.map((item) => item.file.name)).toEqual(['a', 'b']);
  });

  it('stay in sight with the reason when they cannot go, which keeps the answer here', async () => {
    upload.mockRejectedValue(new Error('away'));
    await files.add([new File(['x'.repeat(11)], 'groot.pdf', { type: 'application/pdf' }), new File(['MZ'], 'virus.exe')]);
    expect(files.items.map((item) => item.failed)).toEqual([en['composer.too_big'], en['composer.wrong_kind']]);
    expect(upload).not.toHaveBeenCalled();
    for (const { key } of files.items) files.remove(key);
    await files.add([picture()]);
    expect(files.items[0]?.failed).toBeTruthy();
    expect([files.uploading, files.ready, files.uploads]).toEqual([false, false, []]);
  });

  it('want a description when they are pictures and the channel can show one', async () => {
    await files.add([new File(['%PDF'], 'bon.pdf', { type: 'application/pdf' })]);
    expect(files.altMissing).toBe(false);
    await files.add([picture()]);
    expect(files.altMissing).toBe(true);
    files.edit(files.items[1]!.key, { alt: '  ' });
    expect(files.altMissing).toBe(true);
    files.edit(files.items[1]!.key, { alt: 'Een doos' });
    expect(files.altMissing).toBe(false);
  });

  it('let go of their picture when they are taken away, were sent, or the conversation is left', async () => {
    await files.add([picture('a'), picture('b')]);
    files.remove(files.items[0]!.key);
    expect(changes).toBe(3);
    const sent = files.keys;
    await files.add([picture('c')]);
    files.drop(sent);
    expect(files.items.map((item) => item.file.name), 'what was added meanwhile stays').toEqual(['c']);
    files.stop();
    expect(revoke.mock.calls.flat()).toEqual(['blob:a', 'blob:b', 'blob:c']);
  });

  it('are none where it is not known what may go along', async () => {
    allowed = null;
    expect(await files.add([picture()])).toBeNull();
    expect(files.items).toEqual([]);
  });
});
