// @vitest-environment happy-dom
import { flushSync, mount, unmount } from 'svelte';
import { expect, it, vi } from 'vitest';
import { quarantine } from '../api/calls';
import type { Quarantined } from '../api/types';
import { en } from '../i18n/en';
import { language, t } from '../i18n/i18n.svelte';
import QuarantineList from './Quarantine.svelte';

const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
  flushSync();
};
const says = (): string => document.body.textContent ?? '';
const press = async (label: string): Promise<void> => {
  [...document.querySelectorAll('button')].find((one) => one.textContent?.includes(label))?.click();
  await settle();
};

it('what is held is not called nothing while it is unknown', async () => {
  language.texts = en;
  let come!: (page: { items: Quarantined[]; next: null }) => void;
  const list = vi.spyOn(quarantine, 'list').mockReturnValueOnce(new Promise((ok) => (come = ok)));
  let shown = mount(QuarantineList, { target: document.body, props: { account: 'a' } });
  expect(says()).toContain(en['loading']);
  come({ items: [], next: null });
  await settle();
  expect(says()).toContain(en['quarantine.none']);
  void unmount(shown);
  list.mockRejectedValueOnce(new Error('away'));
  shown = mount(QuarantineList, { target: document.body, props: { account: 'a' } });
  await settle();
  expect(says()).toContain(en['quarantine.failed']);
  expect(says()).not.toContain(en['quarantine.none']);
  void unmount(shown);
});

it('what is held is paged through, and goes from the list when it is dismissed', async () => {
  language.texts = en;
  const held = (id: string): Quarantined => ({ id, error: `error ${id}`, received_at: 0 }) as Quarantined;
  vi.spyOn(quarantine, 'list').mockImplementation((_, cursor) =>
    Promise.resolve(cursor ? { items: [held('b')], next: null } : { items: [held('a')], next: 'a' }),
  );
  const dismiss = vi.spyOn(quarantine, 'dismiss').mockResolvedValue(undefined);
  const shown = mount(QuarantineList, { target: document.body, props: { account: 'x' } });
  await settle();
  await press(t('quarantine.more'));
  expect(says()).toMatch(/error a.*error b/s);
  expect(says(), 'there is no more').not.toContain(t('quarantine.more'));
  await press(t('quarantine.dismiss'));
  expect(dismiss).toHaveBeenCalledWith('a');
  expect(says()).not.toContain('error a');
  expect(says()).toContain('error b');
  void unmount(shown);
});
