import { describe, expect, it } from 'vitest';
import { Kept } from './kept';
import { optionsOf } from './options';
import { pageOf, watch } from './page';

describe('the script tag', () => {
  it('says where Balie is by its own address, and whose chat by data-account', () => {
    const options = optionsOf('https://balie.example/widget.js', { account: 'a1' }, 'nl-NL');
    expect(options).toMatchObject({ origin: 'https://balie.example', account: 'a1', locale: 'nl-NL', theme: 'auto', load: 'auto', storage: 'frame', launcher: true });
  });

  it('may carry the account in its address, for tag managers that lose attributes', () => {
    expect(optionsOf('https://balie.example/widget.js?account=a2', {}, 'nl').account).toBe('a2');
  });

  it('takes what it knows and ignores the rest', () => {
    const options = optionsOf('https://b.example/widget.js', { account: 'a', theme: 'pink', position: 'left', offset: '8 -3 x', locale: 'auto', launcher: 'none', load: 'click', zIndex: '9' }, 'en');
    expect(options).toMatchObject({ theme: 'auto', side: 'start', offset: { x: 8, y: 8 }, locale: 'en', launcher: false, load: 'click', zIndex: 9 });
  });
});

describe('the page', () => {
  it('is told without query and fragment, which may carry what is not ours', () => {
    const page = pageOf({ href: 'https://shop.example/mand?token=geheim&utm_source=brief#stap2' }, 'Mand', 'https://zoek.example/?q=ziekte');
    expect(page).toEqual({ url: 'https://shop.example/mand', title: 'Mand', referrer: 'https://zoek.example/' });
  });

  it('is told anew when the address changes without a load', async () => {
    const navigation = new EventTarget();
    const win = { navigation, location: { href: 'https://s.example/a' }, setTimeout: (run: () => void) => run(), clearInterval: () => undefined };
    let moves = 0;
    const stop = watch(win as unknown as Window, () => (moves += 1));
    navigation.dispatchEvent(new Event('currententrychange'));
    expect(moves).toBe(0);
    win.location.href = 'https://s.example/b';
    navigation.dispatchEvent(new Event('currententrychange'));
    expect(moves).toBe(1);
    stop();
    win.location.href = 'https://s.example/c';
    navigation.dispatchEvent(new Event('currententrychange'));
    expect(moves).toBe(1);
  });

  it('is looked at every second where the browser does not tell', () => {
    let look: () => void = () => undefined;
    const win = Object.assign(new EventTarget(), {
      location: { href: 'https://s.example/a' },
      setTimeout: (run: () => void) => run(),
      setInterval: (run: () => void) => ((look = run), 1),
      clearInterval: () => undefined,
    });
    let moves = 0;
    watch(win as unknown as Window, () => (moves += 1));
    look();
    win.location.href = 'https://s.example/b';
    look();
    expect(moves).toBe(1);
  });
});

describe('what the site keeps for the frame', () => {
  it('is told apart by account, and forgotten on demand', () => {
    const map = new Map<string, string>([['other', 'x'], ['balie:b:token', 'theirs']]);
    const storage = {
      get length() {
        return map.size;
      },
      key: (i: number) => [...map.keys()][i] ?? null,
      getItem: (name: string) => map.get(name) ?? null,
      setItem: (name: string, value: string) => void map.set(name, value),
      removeItem: (name: string) => void map.delete(name),
    } as unknown as Storage;
    const kept = new Kept(() => storage, 'a');
    kept.set('token', 't');
    expect(kept.all()).toEqual({ token: 't' });
    kept.set('token', null);
    expect([...map.keys()]).toEqual(['other', 'balie:b:token']);
  });

  it('is nothing where storage is forbidden, and nothing breaks', () => {
    const kept = new Kept(() => {
      throw new DOMException('denied', 'SecurityError');
    }, 'a');
    kept.set('token', 't');
    expect(kept.all()).toEqual({});
  });
});
