// @vitest-environment happy-dom
import { flushSync } from 'svelte';
import { expect, it, vi } from 'vitest';
import { announcer } from './announce.svelte';

it('says the same news again when it happens again', async () => {
  vi.useFakeTimers();
  const shown: string[] = [];
  const stop = $effect.root(() => {
    $effect(() => void shown.push(announcer.polite));
  });
  flushSync();
  for (let n = 0; n < 2; n++) {
    announcer.say('1 nieuw gesprek');
    await vi.advanceTimersByTimeAsync(3000);
  }
  stop();
  // A screen reader reads out what changes, so it has to change.
  expect(shown).toEqual(['', '1 nieuw gesprek', '', '1 nieuw gesprek']);
});
