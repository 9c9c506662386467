// One thing to fill in: its label, its control, and what is wrong with it.
import type { Key, Words } from '../i18n';
import type { Field } from '../wire';
import { h, say } from './dom';

export interface Answer {
  key: string;
  element: HTMLElement;
  focus(): void;
  value(): string;
  /** Says what is wrong, if anything; whether all is well. */
  check(): boolean;
}

const KNOWN: Record<string, { label: Key; autocomplete: string }> = {
  name: { label: 'form.name', autocomplete: 'name' },
  email: { label: 'form.email', autocomplete: 'email' },
  phone: { label: 'form.phone', autocomplete: 'tel' },
  text: { label: 'form.text', autocomplete: 'off' },
};

const TYPES: Record<string, string> = { email: 'email', phone: 'tel' };

export function field(words: Words, { key, kind, label, required, options }: Field, value: string): Answer {
  const known = KNOWN[key];
  const id = `f-${key}`;
  const props = { id, required, dir: 'auto', autocomplete: known?.autocomplete ?? 'off', 'aria-describedby': `${id}-wrong` };
  const control =
    kind === 'lines'
      ? h('textarea', { ...props, rows: 3 })
      : kind === 'choice'
        ? h('select', props, h('option', { value: '' }, words.say('form.choose')), ...options.map((one) => h('option', { value: one }, one)))
        : h('input', { ...props, type: TYPES[kind] ?? 'text' });
  control.value = value;
  const wrong = h('p', { class: 'wrong', id: `${id}-wrong` });
  const optional = required ? null : h('small', {}, ` (${words.say('form.optional')})`);
  const text = label ?? (known ? words.say(known.label) : key);
  const check = (): boolean => {
    const now = control.value.trim();
    const bad = required && !now ? 'form.required' : kind === 'email' && now && !/^\S+@\S+$/.test(now) ? 'form.email.wrong' : undefined;
    say(wrong, bad ? words.say(bad) : '');
    control.ariaInvalid = String(!!bad);
    return !bad;
  };
  control.addEventListener('input', () => {
    if (control.ariaInvalid === 'true') check();
  });
  const element = h('div', { class: 'field' }, h('label', { htmlFor: id }, text, optional), control, wrong);
  return { key, element, focus: () => control.focus(), value: () => control.value.trim(), check };
}
