// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Loader } from './loader';
import { optionsOf } from './options';

const fetching = vi.fn(() => Promise.reject(new TypeError('no network')));

function loaded(data: Record<string, string>): Loader {
  document.body.replaceChildren();
  localStorage.clear();
  fetching.mockClear();
  window.fetch = fetching as unknown as typeof fetch;
  const loader = new Loader(window as Window & typeof globalThis, optionsOf('https://balie.example/widget.js', { account: 'a', ...data }, 'nl'));
  loader.start();
  return loader;
}

const frame = (): Element | null | undefined => document.querySelector('#balie')?.shadowRoot?.querySelector('iframe');

describe('a chat that waits for consent', () => {
  let loader: Loader;
  beforeEach(() => (loader = loaded({ load: 'click' })));

  it('fetches nothing when the site says who the visitor is', () => {
    loader.call('identify', { id: 'u-1', user_hash: 'h' });
    expect(document.querySelector('#balie')).not.toBeNull();
    expect([frame(), fetching.mock.calls.length, localStorage.length]).toEqual([null, 0, 0]);
  });

  it('leaves word that somebody signed out, for the frame that can forget them', () => {
    localStorage.setItem('balie:a:token', 't');
    loader.call('reset');
    expect([localStorage.getItem('balie:a:token'), localStorage.getItem('balie:a:reset')]).toEqual([null, '1']);
    expect([frame(), fetching.mock.calls.length]).toEqual([null, 0]);
  });

  it('leaves nothing where nothing may be kept', () => {
    loader = loaded({ load: 'click', storage: 'none' });
    loader.call('reset');
    expect(localStorage.length).toBe(0);
  });
});
