// The forms that stand in the composer's place, and the rating above it. Labels are visible, what is wrong stands at its
// field and is pointed at, and the first wrong field gets the focus.
import type { Chat } from '../chat';
import { field, type Answer } from './field';
import type { Words } from '../i18n';
import type { Field } from '../wire';
import { h, say } from './dom';

interface FormParts {
  title: string;
  text?: string | null;
  answers?: Answer[];
  extra?: Node[];
  submit: string;
  cancel?: [string, () => void];
  send(values: Record<string, string>): void | Promise<unknown>;
}

function form({ title, text, answers = [], extra = [], submit, cancel, send }: FormParts): HTMLFormElement {
  const button = h('button', { type: 'submit', class: 'main' }, submit);
  const actions = h('div', { class: 'actions' }, button, cancel && h('button', { type: 'button', class: 'plain', onclick: cancel[1] }, cancel[0]));
  const element = h(
    'form',
    { class: 'form', noValidate: true, 'aria-labelledby': 'form-title' },
    h('h2', { id: 'form-title', tabIndex: -1 }, title),
    text ? h('p', { class: 'lead' }, text) : null,
    ...answers.map((one) => one.element),
    ...extra,
    actions,
  );
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const wrong = answers.filter((one) => !one.check());
    if (wrong[0]) {
      wrong[0].focus();
      return;
    }
    button.disabled = true;
    const values = Object.fromEntries(answers.map((one) => [one.key, one.value()]));
    void Promise.resolve(send(values)).finally(() => (button.disabled = false));
  });
  return element;
}

/** The trap for machines: nobody sees it, nobody hears it read, and who fills it in is no visitor. */
function trap(): HTMLElement {
  return h('div', { class: 'trap', 'aria-hidden': 'true' }, h('input', { name: 'website', tabIndex: -1, autocomplete: 'off', 'aria-label': 'Website' }));
}

function trapped(element: HTMLElement): Record<string, string> {
  const website = element.querySelector<HTMLInputElement>('[name=website]')?.value;
  return website ? { website } : {};
}

function agreement(text: string, words: Words): { element: HTMLElement; check(): boolean } {
  const box = h('input', { type: 'checkbox', id: 'f-agreed', required: true, 'aria-describedby': 'f-agreed-wrong' });
  const wrong = h('p', { class: 'wrong', id: 'f-agreed-wrong' });
  const element = h('div', { class: 'field' }, h('p', { class: 'lead' }, text), h('label', { class: 'tick' }, box, words.say('consent')), wrong);
  const check = (): boolean => {
    say(wrong, box.checked ? '' : words.say('form.required'));
    if (!box.checked) box.focus();
    return box.checked;
  };
  return { element, check };
}

export function prechat(chat: Chat): HTMLElement {
  const { words } = chat;
  const { consent } = chat.before;
  const agreed = consent ? agreement(consent, words) : undefined;
  const element = form({
    title: words.say('prechat.title'),
    answers: chat.before.asks.map((ask) => field(words, ask, chat.before.known(ask.key))),
    extra: [...(agreed ? [agreed.element] : []), trap()],
    submit: words.say('prechat.start'),
    send: (values) => {
      if (agreed && !agreed.check()) return;
      const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
      chat.answer({ ...filled, ...trapped(element) }, !!agreed);
    },
  });
  return element;
}

export function offline(chat: Chat, clientId: string): HTMLElement {
  const { words, config } = chat;
  const { left } = chat.aside;
  if (left) {
    const title = left.by === 'mail' ? words.say('offline.mail', { email: left.email }) : words.say('offline.chat');
    return form({ title, submit: words.say('offline.again'), send: () => chat.aside.leaveAnother() });
  }
  const base = { label: null, options: [], required: true };
  const asked = config?.prechat ?? [];
  const asks: Field[] = [
    asked.find(({ key }) => key === 'name') ?? { ...base, key: 'name', kind: 'text', required: false },
    { ...base, key: 'email', kind: 'email' },
    ...asked.filter(({ key }) => key !== 'name' && key !== 'email'),
    { ...base, key: 'text', kind: 'lines' },
  ];
  const agreed = chat.before.consent ? agreement(chat.before.consent, words) : undefined;
  const element = form({
    title: words.say('offline.title'),
    text: words.say('offline.text'),
    answers: asks.map((ask) => field(words, ask, chat.before.known(ask.key))),
    extra: [...(agreed ? [agreed.element] : []), trap()],
    submit: words.say('offline.send'),
    // Under one name until it was taken: a second press after a lost answer is not a second message.
    send: (values) => (agreed && !agreed.check() ? undefined : chat.aside.leave({ ...values, ...trapped(element) }, clientId)),
  });
  return element;
}

export function mail(chat: Chat): HTMLElement {
  const { words } = chat;
  const email = chat.before.known('email');
  const title = words.say('mail.title');
  const back: [string, () => void] = [words.say('back'), () => chat.aside.choose(undefined)];
  const ask: Field = { key: 'email', kind: 'email', label: null, required: true, options: [] };
  return form({
    title,
    text: email ? words.say('mail.text', { email }) : words.say('mail.none'),
    answers: email ? [] : [field(words, ask, '')],
    submit: words.say('mail.send'),
    cancel: back,
    send: (values) => chat.aside.mail(email || (values.email ?? '')),
  });
}

export function end(chat: Chat): HTMLElement {
  const { words } = chat;
  return form({
    title: words.say('end.title'),
    text: words.say('end.text'),
    submit: words.say('end.yes'),
    cancel: [words.say('cancel'), () => chat.aside.choose(undefined)],
    send: () => chat.aside.end(),
  });
}

/** One to five, as a group of radio buttons; the words stand at the ends and are read with every one. */
export function rating(chat: Chat): HTMLElement {
  const { words } = chat;
  const scores = ([1, 2, 3, 4, 5] as const).map((score) => {
    const meaning = words.say(`rating.${score}`);
    const radio = h('input', { type: 'radio', name: 'score', value: String(score), 'aria-label': `${score}: ${meaning}` });
    return h('label', { title: meaning }, radio, h('span', { 'aria-hidden': 'true' }, String(score)));
  });
  const ends = h('div', { class: 'ends', 'aria-hidden': 'true' }, h('span', {}, words.say('rating.1')), h('span', {}, words.say('rating.5')));
  const comment = h('textarea', { id: 'rating-comment', rows: 2, dir: 'auto', maxLength: 2000 });
  const more = h('div', { class: 'field', hidden: true }, h('label', { htmlFor: 'rating-comment' }, words.say('rating.comment')), comment);
  const send = h('button', { type: 'submit', class: 'main', hidden: true }, words.say('rating.send'));
  const skip = h('button', { type: 'button', class: 'plain', onclick: () => chat.aside.rated() }, words.say('rating.skip'));
  const element = h(
    'form',
    { class: 'form rating', noValidate: true },
    h('fieldset', {}, h('legend', {}, words.say('rating.title')), h('div', { class: 'scores' }, ...scores), ends),
    more,
    h('div', { class: 'actions' }, send, skip),
  );
  element.addEventListener('change', () => (more.hidden = send.hidden = false));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const score = Number(new FormData(element).get('score'));
    if (!score) return;
    send.disabled = true;
    void chat.aside.rate(score, comment.value.trim()).finally(() => (send.disabled = false));
  });
  return element;
}
