// Where the focus goes when what had it left the screen with the page it was on: to the new page, so that the next key or Tab
// begins there and a screen reader says where one is. A first load leaves the focus where the browser begins.
import { tick } from 'svelte';
import { router } from './router.svelte';

export async function land(): Promise<void> {
  await tick();
  if (router.depth === 0 || document.activeElement !== document.body) return;
  document.getElementById('main')?.focus({ preventScroll: true });
}
