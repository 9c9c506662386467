import { describe, expect, it } from 'vitest';
import { pieces } from './links';

const links = (text: string): string[] => pieces(text).flatMap(({ href }) => href ?? []);

describe('addresses in plain text', () => {
  it('keep every character of the text', () => {
    for (const text of ['', 'niets', 'Zie https://a.example/b (of http://c.example), nu!', 'https://a.example https://b.example', 'http://']) {
      expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
    }
  });

  it.each([
    ['Zie https://www.pinterest.com/pin/1/?utm=mail&id=7.', 'https://www.pinterest.com/pin/1/?utm=mail&id=7'],
    ['Snelheid meten (https://kabelkraai.example/internet)', 'https://kabelkraai.example/internet'],
    ['https://nl.wikipedia.org/wiki/Balie_(meubel), dus', 'https://nl.wikipedia.org/wiki/Balie_(meubel)'],
    ['HTTPS://A.example/B', 'HTTPS://A.example/B'],
    ['“https://a.example/x”', 'https://a.example/x'],
  ])('%s', (text, href) => expect(links(text)).toEqual([href]));

  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'http://', 'www.example.nl', 'xhttps://a.example'])(
    'makes no link of %s',
    (text) => expect(links(text)).toEqual([]),
  );

  it('cannot be talked into markup', () => {
    expect(links('https://a.example/"><script>alert(1)</script>')).toEqual(['https://a.example/']);
  });
});
