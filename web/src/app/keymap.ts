// Keys as people write them ("j", "Ctrl+Enter", "g b") and how a key press is read into that form.
// Pure: the listener and the preferences are elsewhere.
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** The name of a press, or null for a modifier alone. */
export function nameOf(press: Press): string | null {
  const { key } = press;
  if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'AltGraph', 'CapsLock'].includes(key)) return null;
  const letter = /^[a-z]$/i.test(key);
  const symbol = key.length === 1 && !letter && key !== ' ';
  const parts: string[] = [];
  if (press.ctrlKey || press.metaKey) parts.push('Ctrl');
  if (press.altKey) parts.push('Alt');
  // A symbol's own shift is part of its name already: "?" is not "Shift+?".
  if (press.shiftKey && !symbol) parts.push('Shift');
  parts.push(letter ? key.toLowerCase() : key === ' ' ? 'Space' : key);
  return parts.join('+');
}

/** Printable keys without Ctrl or Alt: they type text, so they stay silent in fields (WCAG 2.1.4). */
export function isSingle(key: string): boolean {
  return key.split(' ').every((part) => !/^(Ctrl|Alt)\+/.test(part) && /^(Shift\+)?.$/u.test(part));
}

/** Which of the bound keys a sequence of presses completes or begins. */
export function match(
  pressed: readonly string[],
  bound: Iterable<string>,
): { hit: string | null; partial: boolean } {
  const typed = pressed.join(' ');
  let hit: string | null = null;
  let partial = false;
  for (const key of bound) {
    if (key === typed) hit = key;
    else if (key.startsWith(`${typed} `)) partial = true;
  }
  return { hit, partial };
}

const SHOWN: Record<string, string> = {
  Enter: '↵',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Escape: 'Esc',
  Space: '␣',
};

/** The pieces to show as key caps. */
export function caps(key: string): string[] {
  return key
    .split(' ')
    .flatMap((part) => (part === '+' ? ['+'] : part.split('+').filter(Boolean)))
    .map((part) => SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
