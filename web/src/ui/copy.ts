// To the clipboard, and the truth about whether it got there.

/** Fails where the browser keeps the clipboard to itself: an address without https, or a person who said no. */
export async function copyText(text: string): Promise<void> {
  if (!('clipboard' in navigator)) throw new Error('no clipboard here');
  await navigator.clipboard.writeText(text);
}
