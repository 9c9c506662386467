// @vitest-environment happy-dom
import { flushSync, mount, unmount } from 'svelte';
import { expect, it } from 'vitest';
import type { Channel } from '../api/types';
import { directory } from '../app/directory.svelte';
import { language } from '../i18n/i18n.svelte';
import ChannelGlyph from './ChannelGlyph.svelte';

it('a channel is called what it is called in the language of the page', async () => {
  directory.channels.set('phone', { key: 'phone', name: { en: 'Telephone', nl: 'Telefoon' }, icon: '' } as unknown as Channel);
  const shown = mount(ChannelGlyph, { target: document.body, props: { channel: 'phone' } });
  for (const [locale, name] of [['nl', 'Telefoon'], ['en', 'Telephone']] as const) {
    await language.use(locale);
    flushSync();
    expect(document.querySelector('[role=img]')?.getAttribute('aria-label')).toBe(name);
  }
  void unmount(shown);
});
