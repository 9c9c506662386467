// Everything the page can do, by name: default key, words, section. Screens say how a command is done
// while they are mounted; keys, palette and cheat sheet all read this one table.
import { untrack } from 'svelte';
import type { Key } from '../i18n/i18n.svelte';
import { isSingle, match, nameOf } from './keymap';
import { session } from './session.svelte';

export type Section = 'list' | 'work' | 'write' | 'message' | 'go' | 'help';

interface Definition {
  key: string | null;
  section: Section;
  /** Works while a text field has the focus. */
  inText?: boolean;
  /** Not everywhere: the cheat sheet names it only where it can be done. */
  sometimes?: boolean;
}

const definitions = {
  'list.next': { key: 'j', section: 'list' },
  'list.previous': { key: 'k', section: 'list' },
  'list.take_next': { key: 'n', section: 'list' },
  'list.refresh': { key: '.', section: 'list' },
  'list.pause': { key: 'Shift+p', section: 'list' },
  'list.search': { key: '/', section: 'list' },
  'work.claim': { key: 'c', section: 'work' },
  'work.assign': { key: 'a', section: 'work' },
  'work.assign_me': { key: 'Shift+a', section: 'work' },
  'work.tag': { key: '#', section: 'work' },
  'work.close': { key: 'd', section: 'work' },
  'work.pending': { key: 'w', section: 'work' },
  'work.open': { key: 'o', section: 'work' },
  'work.snooze': { key: 'z', section: 'work' },
  'work.priority': { key: 'p', section: 'work' },
  'work.undo': { key: 'u', section: 'work' },
  'work.person': { key: 'h', section: 'work' },
  'work.call': { key: 't', section: 'work', sometimes: true },
  'person.link': { key: '=', section: 'work' },
  'person.unlink': { key: '-', section: 'work' },
  'work.back': { key: 'Escape', section: 'work' },
  'write.reply': { key: 'r', section: 'write' },
  'write.note': { key: 'i', section: 'write' },
  'write.lane': { key: 'l', section: 'write' },
  'write.send': { key: 'Ctrl+Enter', section: 'write', inText: true },
  'write.send_stay': { key: 'Ctrl+Shift+Enter', section: 'write', inText: true },
  'message.like': { key: 'f', section: 'message' },
  'message.boost': { key: 'b', section: 'message' },
  'message.delete': { key: 'Shift+d', section: 'message' },
  'message.mute': { key: 'Shift+m', section: 'message' },
  'message.block': { key: 'Shift+b', section: 'message' },
  'message.report': { key: 'Shift+r', section: 'message' },
  'go.inbox': { key: 'g i', section: 'go' },
  'go.mine': { key: 'g m', section: 'go' },
  'go.unassigned': { key: 'g u', section: 'go' },
  'go.pending': { key: 'g w', section: 'go' },
  'go.snoozed': { key: 'g z', section: 'go' },
  'go.closed': { key: 'g d', section: 'go' },
  'go.board': { key: 'g b', section: 'go' },
  'go.settings': { key: 'g s', section: 'go' },
  'help.palette': { key: 'Ctrl+k', section: 'help', inText: true },
  'help.keys': { key: '?', section: 'help' },
  'help.theme': { key: 'Shift+t', section: 'help' },
} as const satisfies Record<string, Definition>;

export type CommandId = keyof typeof definitions;

export const commandIds = Object.keys(definitions) as CommandId[];

export const sections: readonly Section[] = ['list', 'work', 'write', 'message', 'go', 'help'];

export function definition(id: CommandId): Definition {
  return definitions[id];
}

export function labelOf(id: CommandId): Key {
  return `command.${id}`;
}

type Handler = () => void;

const SEQUENCE_WITHIN = 1200;

class Commands {
  private handlers = $state.raw<ReadonlyMap<CommandId, Handler>>(new Map());
  private pressed: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** While a dialog is recording a key, no command runs. */
  recording = false;

  /** The key that runs a command now, or null when there is none. */
  keyOf(id: CommandId): string | null {
    const { enabled, keys } = session.preferences.shortcuts;
    const changed = keys[id];
    const key = changed === undefined ? definition(id).key : changed;
    return key !== null && !enabled && isSingle(key) ? null : key;
  }

  can(id: CommandId): boolean {
    return this.handlers.has(id);
  }

  run(id: CommandId): void {
    this.handlers.get(id)?.();
  }

  /** Says how commands are done for as long as the caller lives; returns the way to take it back. */
  provide(handlers: Partial<Record<CommandId, Handler>>): () => void {
    const added = Object.entries(handlers) as [CommandId, Handler][];
    const known = (): ReadonlyMap<CommandId, Handler> => untrack(() => this.handlers);
    this.handlers = new Map([...known(), ...added]);
    return () => {
      const rest = new Map(known());
      for (const [id, handler] of added) if (rest.get(id) === handler) rest.delete(id);
      this.handlers = rest;
    };
  }

  listen(): () => void {
    const onKey = (event: KeyboardEvent): void => this.press(event);
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }

  private press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    if (this.recording || document.querySelector('dialog[open]')) return;
    const name = nameOf(event);
    if (name === null) return;
    const target = event.target as HTMLElement | null;
    const typing = target?.closest?.('input, textarea, select, [contenteditable="true"]') != null;
    clearTimeout(this.timer);
    this.pressed = typing ? [name] : [...this.pressed, name];
    const bound = new Map<string, CommandId>();
    for (const id of commandIds) {
      const key = this.keyOf(id);
      if (key && this.handlers.has(id) && (!typing || definition(id).inText)) bound.set(key, id);
    }
    let found = match(this.pressed, bound.keys());
    if (!found.hit && !found.partial && this.pressed.length > 1) {
      this.pressed = [name];
      found = match(this.pressed, bound.keys());
    }
    if (found.hit) {
      event.preventDefault();
      this.pressed = [];
      const id = bound.get(found.hit);
      if (id) this.run(id);
    } else if (found.partial) {
      event.preventDefault();
      this.timer = setTimeout(() => (this.pressed = []), SEQUENCE_WITHIN);
    } else {
      this.pressed = [];
    }
  }
}

export const commands = new Commands();
