// @vitest-environment happy-dom
import { expect, it } from 'vitest';
import type { Page } from '../../shared/protocol';
import { Api } from '../api';
import { Chat } from '../chat';
import { Clock, config, keptIn, message, Server, session, settle, Store, Wire } from '../testing';
import { View } from './view';

const page: Page = { url: 'https://shop.example/', title: 'Shop', referrer: '' };

async function shown(server: Server, store: Store): Promise<Chat> {
  const clock = new Clock();
  const kept = keptIn(store);
  let view: View | undefined;
  const chat = new Chat(
    {
      api: new Api('a', server.fetch),
      kept,
      socket: () => new Wire() as unknown as WebSocket,
      now: () => clock.now,
      random: () => 1,
      uuid: () => 'c',
      later: clock.later,
      cancel: clock.cancel,
      visible: () => true,
      online: () => true,
      tell: () => undefined,
      changed: () => view?.later(),
      sound: () => undefined,
      ink: () => '#ffffff',
    },
    { page, locale: 'nl' },
  );
  view = new View(chat, kept, { now: () => clock.now, online: () => true, uuid: () => 'o', close: () => undefined });
  await chat.start(true);
  await settle();
  return chat;
}

const writing = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>('.composer textarea')!;

it('shows the next person nothing of what was being written, after logging out without a new page', async () => {
  const store = new Store();
  const server = new Server()
    .on('GET config', () => ({ status: 200, body: config() }))
    .on('POST session', () => ({ status: 200, body: session({ status: 'open', messages: [message()] }) }))
    .on('POST read', () => ({ status: 204 }))
    .on('DELETE session', () => ({ status: 204 }));
  const chat = await shown(server, store);
  writing().value = 'mijn geheim';
  writing().dispatchEvent(new Event('input'));
  expect(store.getItem('balie:a:draft')).toBe('mijn geheim');
  await chat.reset();
  await settle();
  expect([writing().value, store.getItem('balie:a:draft')]).toEqual(['', null]);
});

it('shows the next person an empty form, where nobody is there', async () => {
  const closed = config({ open: false });
  const server = new Server()
    .on('GET config', () => ({ status: 200, body: closed }))
    .on('POST session', () => ({ status: 200, body: session({ config: closed }) }))
    .on('DELETE session', () => ({ status: 204 }));
  const chat = await shown(server, new Store());
  const field = (): HTMLInputElement => document.querySelector<HTMLInputElement>('#f-email')!;
  field().value = 'sanne@x.nl';
  await chat.reset();
  await settle();
  expect(field().value).toBe('');
});

it('asks for an address to mail the conversation to when none is known', async () => {
  const server = new Server()
    .on('GET config', () => ({ status: 200, body: config() }))
    .on('POST session', () => ({ status: 200, body: session({ status: 'open', messages: [message()] }) }))
    .on('POST read', () => ({ status: 204 }))
    .on('POST transcript', () => ({ status: 202 }));
  const chat = await shown(server, new Store());
  chat.aside.choose('mail');
  await settle();
  document.querySelector<HTMLInputElement>('#f-email')!.value = 'sanne@x.nl';
  document.querySelector<HTMLFormElement>('form.form')!.dispatchEvent(new Event('submit'));
  await settle();
  expect(server.asked.find(({ path }) => path === 'transcript')?.body).toEqual({ email: 'sanne@x.nl' });
  expect(chat.before.known('email')).toBe('sanne@x.nl');
});
