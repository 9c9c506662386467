import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal, Unreachable } from './api';
import { Words } from './i18n';
import { config, settle } from './testing';
import { Uploads } from './uploads';

const words = new Words('nl-NL');
let sent: string[];
let forgotten: string[];
let refuse: Error | undefined;

const make = (files = config().files): Uploads =>
  new Uploads({
    limits: () => files,
    send: async (file) => {
      if (refuse) throw refuse;
      sent.push(file.name);
      return { id: file.name, name: file.name, mime: file.type, size: file.size };
    },
    changed: () => undefined,
    say: (key, holes) => words.say(key, holes),
    refusal: (code, holes) => words.refusal(code, holes),
    size: (bytes) => words.size(bytes),
    preview: (file) => `blob:${file.name}`,
    forget: (preview) => forgotten.push(preview),
  });

const png = (name: string, size = 10): File => new File([new Uint8Array(size)], name, { type: 'image/png' });

beforeEach(() => ([sent, forgotten, refuse] = [[], [], undefined]));

describe('files for a message', () => {
  it('are uploaded at once and go along by their id', async () => {
    const uploads = make();
    expect(uploads.add([png('a.png')])).toBeUndefined();
    expect(uploads.busy).toBe(true);
    await settle();
    expect([uploads.busy, uploads.ready.map((one) => one.id)]).toEqual([false, ['a.png']]);
    uploads.clear();
    expect(forgotten).toEqual(['blob:a.png']);
  });

  it('are refused in words before a byte is sent: too many, too large, of another kind', async () => {
    const uploads = make();
    expect(uploads.add([png('a'), png('b'), png('c')])).toBe('Hooguit 2 bestanden per bericht.');
    uploads.clear();
    uploads.add([png('groot.png', 2000), new File(['MZ'], 'x.exe', { type: 'application/x-msdownload' })]);
    await settle();
    expect(uploads.all.map((one) => one.failed)).toEqual(['Dit bestand is te groot: hooguit 1 kB.', expect.stringContaining('Dit soort bestand')]);
    expect(sent).toEqual(['a', 'b']);
    expect(make(null).add([png('a')])).toBe('Dat is hier uitgezet.');
  });

  it('say why the server did not take them, and block nothing', async () => {
    refuse = new Refusal(429, 'rate_limited', '', 20, null);
    const uploads = make();
    uploads.add([png('a')]);
    await settle();
    refuse = new Unreachable();
    uploads.add([png('b')]);
    await settle();
    expect(uploads.all.map((one) => one.failed)).toEqual([expect.stringContaining('20 seconden'), expect.stringContaining('verbinding')]);
    expect([uploads.busy, uploads.ready.length]).toEqual([false, 0]);
  });
});
