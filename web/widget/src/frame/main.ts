// The frame begins: greets the loader, and builds the chat from what the loader says. Opened by itself, without a page
// around it, it is a page with a chat and nothing else.
import { envelope, received, type Theme, type ToFrame, type ToLoader } from '../shared/protocol';
import { Api } from './api';
import { Chat } from './chat';
import './frame.css';
import { Words } from './i18n';
import { Kept } from './kept';
import { blip } from './sound';
import { inkOn } from './view/dom';
import './view/foot.css';
import './view/log.css';
import { bare, View } from './view/view';

const query = new URLSearchParams(location.search);
const account = query.get('account') ?? '';
/** Whom we talk to, exactly. Whether that site may show us the server has said in `frame-ancestors`. */
const site = query.get('origin') ?? '';
const alone = window.parent === window;
const online = (): boolean => navigator.onLine !== false;

type FromSite = { [K in keyof ToFrame]: { type: K; data: ToFrame[K] } }[keyof ToFrame];

function tell<K extends keyof ToLoader>(type: K, data: ToLoader[K]): void {
  if (!alone) window.parent.postMessage(envelope<ToLoader, K>(type, data), site);
}

function dress(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function begin(init: ToFrame['init']): (said: FromSite) => void {
  dress(init.theme);
  const { reset, ...site } = init.kept;
  const kept = new Kept({ mode: init.storage, account, own: () => localStorage, site, tell: (name, value) => tell('keep', { name, value }) });
  let view: View | undefined;
  const around = {
    api: new Api(account, (input, options) => fetch(input, options)),
    kept,
    socket: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/visit/${account}/ws`),
    now: () => Date.now(),
    random: () => Math.random(),
    uuid,
    later: (run: () => void, ms: number) => setTimeout(run, ms),
    cancel: (timer: unknown) => clearTimeout(timer as number | undefined),
    visible: () => document.visibilityState === 'visible',
    online,
    tell,
    changed: () => view?.later(),
    sound: () => {
      if (kept.get('sound') !== 'off') blip();
    },
    ink: inkOn,
  };
  const chat = new Chat(around, init);
  if (reset) {
    // Somebody signed out where no frame was.
    void chat.reset();
    tell('keep', { name: 'reset', value: null });
  }
  const close = (): void => (alone ? undefined : tell('close', null));
  view = new View(chat, kept, { now: around.now, online, uuid, close });
  document.documentElement.toggleAttribute('data-alone', alone);
  view.later();
  void chat.start(init.open);
  if (init.open) view.opened();

  addEventListener('online', () => (chat.hurry(), view.later()));
  addEventListener('offline', () => view.later());
  document.addEventListener('visibilitychange', () => {
    if (around.visible()) chat.hurry();
  });
  addEventListener('storage', (event) => {
    const name = event.storageArea === localStorage ? kept.ours(event.key) : undefined;
    if (name) chat.elsewhere(name, event.newValue);
  });

  return ({ type, data }) => {
    switch (type) {
      case 'open':
        chat.show();
        view.opened();
        break;
      case 'close':
        chat.hide();
        break;
      case 'identify':
        chat.identify(data);
        break;
      case 'reset':
        void chat.reset();
        break;
      case 'locale':
        chat.speak(data);
        break;
      case 'theme':
        dress(data);
        break;
      case 'event':
        chat.triggers.event(data.name);
        break;
      case 'page':
        chat.visit(data);
        break;
      case 'kept':
        if (kept.heard(data.name, data.value)) chat.elsewhere(data.name, data.value);
        break;
      case 'teaser':
        if (data === 'decline') chat.decline();
        break;
      default:
        break;
    }
  };
}

/** `crypto.randomUUID` is there only on https; a demo on a plain address has to work too. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const locale = query.get('locale') || navigator.language;
if (!account || (!alone && !site)) {
  bare(new Words(locale).say('error.other'));
} else if (alone) {
  const page = { url: location.origin + location.pathname, title: document.title, referrer: '' };
  begin({ page, locale, theme: 'auto', open: true, storage: 'frame', kept: {} });
} else {
  let obey: ((said: FromSite) => void) | undefined;
  addEventListener('message', (event) => {
    const said = received<ToFrame>(event, window.parent, site) as FromSite | undefined;
    if (!said) return;
    if (said.type === 'init') obey ??= begin(said.data);
    else obey?.(said);
  });
  tell('hello', null);
}
