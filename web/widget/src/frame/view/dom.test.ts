// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { h, initials, inkOn, linked, onlyEmoji } from './dom';

const html = (text: string): string => h('p', {}, ...linked(text, '(new)')).innerHTML;

describe('what somebody said', () => {
  it('stays text, whatever it looks like', () => {
    expect(html('<img src=x onerror=alert(1)> & <b>')).toBe('&lt;img src=x onerror=alert(1)&gt; &amp; &lt;b&gt;');
    expect(html('javascript:alert(1) data:text/html,x ftp://x.example')).not.toContain('<a');
  });

  it('has links where there are addresses, without the full stop behind them', () => {
    expect(html('zie https://a.example/b?c=1&d=2, of http://b.example.')).toBe(
      'zie <a href="https://a.example/b?c=1&amp;d=2" target="_blank" rel="noopener nofollow ugc">https://a.example/b?c=1&amp;d=2<span class="hidden"> (new)</span></a>, of <a href="http://b.example" target="_blank" rel="noopener nofollow ugc">http://b.example<span class="hidden"> (new)</span></a>.',
    );
    expect(html('https://a.example/"onmouseover="x')).toContain('href="https://a.example/" target');
  });

  it('is shown larger when it is a few emoji and nothing else', () => {
    expect(['🎉', '😀👍', '👍🏽', '🇳🇱', '👨‍👩‍👧'].map(onlyEmoji)).toEqual([true, true, true, true, true]);
    expect(['', '12', 'ok 👍', '#1', '©2'].map(onlyEmoji)).toEqual([false, false, false, false, false]);
  });
});

describe('the ink on a colour', () => {
  const light = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  it('reads at 4.5 to 1 at least, on any colour', () => {
    for (let n = 0; n < 4096; n++) {
      const hex = `#${n.toString(16).padStart(3, '0').replace(/./g, '$&$&')}`;
      const [a, b] = [light(hex), light(inkOn(hex) ?? '')].sort((x, y) => x - y) as [number, number];
      expect((b + 0.05) / (a + 0.05), hex).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('is the same for the short form, and none for what is no colour', () => {
    expect([inkOn('#fff'), inkOn('#FFFFFF'), inkOn('#123')]).toEqual(['#000000', '#000000', '#ffffff']);
    expect(['red', '#12', '#12345', '', '#xyzxyz', '#fff;x:y'].map(inkOn)).toEqual([null, null, null, null, null, null]);
  });
});

describe('initials', () => {
  it('are those of the first and the last word', () => {
    expect(['Noor', 'Noor de Vries', '  ', '😀 Bakkerij', 'élan vital'].map(initials)).toEqual(['N', 'NV', '', '😀B', 'ÉV']);
  });
});
