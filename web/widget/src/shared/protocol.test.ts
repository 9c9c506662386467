import { describe, expect, it } from 'vitest';
import { envelope, received, type ToFrame } from './protocol';

const site = {} as MessageEventSource;
const event = (data: unknown, source: unknown = site, origin = 'https://shop.example'): MessageEvent => ({ data, source, origin }) as MessageEvent;

describe('what loader and frame say to each other', () => {
  it('is believed from the window and the origin one knows', () => {
    const said = envelope<ToFrame, 'locale'>('locale', 'nl');
    expect(received(event(said), site, 'https://shop.example')).toEqual({ balie: 1, type: 'locale', data: 'nl' });
  });

  it('is not believed from another window, another origin, or before there is a window', () => {
    const said = envelope<ToFrame, 'open'>('open', null);
    expect(received(event(said, {}), site, 'https://shop.example')).toBeUndefined();
    expect(received(event(said, site, 'https://shop.example.evil'), site, 'https://shop.example')).toBeUndefined();
    expect(received(event(said, null), null, 'https://shop.example')).toBeUndefined();
    expect(received(event(said, undefined), undefined, 'https://shop.example')).toBeUndefined();
  });

  it('is dropped when it is of another version, or no message of ours', () => {
    for (const data of [{ balie: 2, type: 'open' }, { type: 'open' }, 'open', null, 7, [], { balie: 1 }, { balie: 1, type: 3 }]) {
      expect(received(event(data), site, 'https://shop.example')).toBeUndefined();
    }
  });
});
