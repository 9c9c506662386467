// The conversation of one visitor: brings together the session, the line, the unsent messages, the triggers and the loader.
// Everything that happens ends in `changed`, after which the view draws what it finds here. It touches no element.
import type { Identity, Page } from '../shared/protocol';
import type { Refusal } from './api';
import type { Around, Mode } from './around';
import { Aside } from './aside';
import { backoff } from './backoff';
import { Before } from './before';
import { Fetching } from './fetching';
import { Host } from './host';
import { Words } from './i18n';
import { Insist } from './insist';
import { Line, type Link } from './line';
import { Outbox } from './outbox';
import { Reading } from './reading';
import { Sessions } from './sessions';
import { Thread } from './thread';
import { Triggers } from './triggers';
import { Typing } from './typing';
import type { Config, FromServer, Message, Session, TriggerRule, Uploaded } from './wire';

/** Who comes back later than this is not asked how the conversation was. */
const FRESH = 24 * 60 * 60 * 1000;

export class Chat {
  config: Config | undefined;
  words: Words;
  readonly thread = new Thread();
  readonly outbox: Outbox;
  readonly sessions: Sessions;
  readonly triggers: Triggers;
  readonly line: Line;
  readonly typing: Typing;
  readonly aside: Aside;
  readonly before: Before;
  readonly fetching: Fetching;
  private readonly reading: Reading;
  open = false;
  link: Link = 'off';
  invitation: TriggerRule | undefined;
  blocked = false;
  private readonly host: Host;
  private acking: unknown;
  private voided = 0;
  /** The token that the line said. */
  private said: string | undefined;
  private readonly insist: Insist;

  constructor(
    private readonly around: Around,
    init: { page: Page; locale: string },
  ) {
    const { api, kept } = around;
    this.host = new Host(init.page, {
      ...around,
      send: (frame) => this.line.send(frame),
      wanted: () => this.open || this.sessions.known,
      identify: (identity) => this.introduce(identity),
    });
    this.words = new Words(init.locale);
    this.sessions = new Sessions({ api, kept, page: () => this.host.page, locale: () => this.words.tag, shown: (s, replaced) => this.shown(s, replaced), parted: () => this.part() });
    this.outbox = new Outbox({
      ...around,
      send: (message) => this.sessions.with((token) => api.send(token, { ...message, ...this.before.take(), page: this.host.page })),
      sent: (message) => {
        this.welcome();
        this.arrived([message], false);
      },
      failed: (code, wrong) => this.sendFailed(code, wrong),
    });
    this.triggers = new Triggers({ ...around, free: () => !this.open && this.thread.status === 'none' && this.mode !== 'identity' && this.mode !== 'blocked', fire: (rule) => this.invite(rule) });
    this.line = new Line({
      ...around,
      open: () => around.socket(),
      hello: () => ({ type: 'hello', token: (this.said = this.sessions.token ?? ''), last_seq: this.thread.seq, page: this.host.page }),
      frame: (frame) => this.frame(frame),
      link: (link) => this.linked(link),
      closed: (code) => this.hungUp(code),
      poll: () => this.fetching.news(),
    });
    this.before = new Before({ ...around, thread: this.thread, sessions: this.sessions, config: () => this.config });
    this.fetching = new Fetching({
      ...around,
      thread: this.thread,
      sessions: this.sessions,
      arrived: (messages, live) => this.arrived(messages, live),
      status: (status) => this.status(status),
      wrong: (wrong) => this.aside.wrong(wrong),
    });
    this.reading = new Reading({
      ...around,
      thread: this.thread,
      sessions: this.sessions,
      inSight: () => this.open && around.visible(),
      send: (frame) => this.line.send(frame),
      unread: (count) => around.tell('unread', { count, label: this.words.say('unread', { n: count }) }),
    });
    this.typing = new Typing({ ...around, send: (frame) => this.line.send(frame) });
    this.insist = new Insist({ ...around, refused: (wrong) => this.refused(wrong) });
    this.aside = new Aside({
      ...around,
      sessions: this.sessions,
      words: () => this.words,
      page: () => this.host.page,
      ended: () => this.status('closed'),
      rated: () => kept.set('rated', this.thread.messages.at(-1)?.id ?? ''),
      blocked: () => (this.blocked = true),
    });
  }

  /** Asks how the chat is set up, and goes on with an earlier conversation when there is one. */
  async start(open: boolean): Promise<void> {
    await this.insist.on('config', async () => {
      this.configure(await this.around.api.config(this.words.tag));
      if (open) this.show();
      else if (this.sessions.known || this.outbox.all.length) await this.sessions.ensure();
      this.triggers.start(this.config?.triggers ?? [], this.host.page.url);
    });
  }

  get mode(): Mode {
    const { config } = this;
    if (this.blocked) return 'blocked';
    if (this.unknown) return 'identity';
    if (this.aside.sheet) return this.aside.sheet;
    // What was left makes a conversation of its own: where the answer comes is still to be read.
    if (this.aside.left) return 'offline';
    if (config && !config.open && config.when_closed === 'form' && this.thread.status !== 'open') return 'offline';
    return this.before.asks.length || this.before.consent ? 'prechat' : 'compose';
  }

  /** The account wants to know who speaks, and does not yet. */
  private get unknown(): boolean {
    return this.config?.identity === 'required' && !this.sessions.visitor?.identified;
  }

  get closedLine(): boolean {
    return this.thread.status === 'closed' && this.thread.messages.length > 0 && this.outbox.all.length === 0;
  }

  show(): void {
    this.open = true;
    this.invitation ??= this.triggers.accept();
    this.host.opened();
    this.triggers.look();
    if (!this.unknown || this.sessions.known) this.connect();
    this.reading.look();
    this.around.changed();
  }

  hide(): void {
    this.open = false;
    this.aside.sheet = this.aside.notice = undefined;
    this.typing.ours(false);
    if (this.thread.status === 'none' && this.outbox.all.length === 0) this.line.stop();
    this.around.changed();
  }

  say(text: string, files: Uploaded[], quick = false): void {
    this.aside.notice = undefined;
    this.typing.ours(false);
    const trigger = this.thread.status === 'none' ? this.invitation?.id : undefined;
    this.outbox.add({
      client_id: this.around.uuid(),
      text,
      files: files.map((one) => one.id),
      enclosed: files,
      at: this.around.now(),
      ...(quick ? { quick_reply: true } : {}),
      ...(trigger ? { trigger } : {}),
    });
    if (this.sessions.token) this.line.start();
  }

  discard(clientId: string): void {
    this.outbox.drop(clientId);
    this.around.changed();
  }

  /** The answers of the form before the first message. */
  answer(fields: Record<string, string>, agreed: boolean): void {
    this.aside.notice = undefined;
    this.before.answer(fields, agreed);
    for (const one of this.outbox.all) if (one.failed === 'incomplete') this.outbox.retry(one.client_id);
    this.around.changed();
  }

  /** The visitor does not want to be spoken to first. */
  decline(): void {
    this.triggers.decline();
    this.invitation = undefined;
  }

  upload(file: File): Promise<Uploaded> {
    return this.sessions.with((token) => this.around.api.upload(token, file));
  }

  identify(identity: Identity): void {
    if (this.config?.identity !== 'off') this.host.identify(identity);
  }

  async reset(): Promise<void> {
    this.line.stop();
    this.part();
    this.host.forget();
    this.insist.stop();
    await this.sessions.leave();
    this.reading.count();
    this.around.changed();
  }

  visit(page: Page): void {
    this.host.visit(page);
    this.triggers.page(page.url);
  }

  speak(locale: string): void {
    this.words = new Words(locale);
    this.around.changed();
    void this.insist.on('config', async () => this.configure(await this.around.api.config(locale)));
  }

  /** The network is back, or the page is in sight again. */
  hurry(): void {
    if (this.blocked && this.open) this.connect();
    this.line.hurry();
    this.outbox.hurry();
    this.reading.look();
  }

  /** Another tab changed what is kept. */
  elsewhere(name: string, value: string | null): void {
    if (name === 'token') this.sessions.adopt(value);
    if (name === 'read') this.reading.count();
  }

  private connect(): void {
    void this.insist.on('session', async () => {
      await this.sessions.ensure();
      if (!this.unknown) this.line.start();
    });
  }

  private introduce(identity: Identity): void {
    void this.insist.on('identify', () => this.sessions.identify(identity));
  }

  /** Nothing that somebody wrote, saw or was asked is the next person's. */
  private part(): void {
    this.outbox.clear();
    this.thread.clear();
    this.invitation = undefined;
    this.blocked = false;
    this.aside.clear();
    this.typing.hush();
    for (const name of ['draft', 'fields', 'agreed']) this.around.kept.set(name, null);
  }

  private configure(config: Config): void {
    this.config = config;
    const ink = config.color ? this.around.ink(config.color) : null;
    const label = this.words.say('launcher', { name: config.name });
    this.around.tell('ready', { label, accent: ink && config.color, ink, side: config.side === 'left' ? 'start' : 'end' });
    this.around.changed();
  }

  private shown(session: Session, replaced: boolean): void {
    this.blocked = false;
    if (replaced) this.thread.clear();
    this.configure(session.config);
    this.outbox.confirm(session.messages);
    this.thread.merge(session.messages);
    this.thread.more ||= session.more && this.thread.messages.length <= session.messages.length;
    this.thread.advance(session.seq);
    this.thread.status = session.status;
    if (session.status === 'closed') this.ask();
    if (!this.unknown && (this.open || session.status !== 'none' || this.outbox.all.length)) {
      // The line said the token of before; a new one needs a new line.
      if (replaced || (this.said !== undefined && this.said !== session.token)) this.line.again();
      else this.line.start();
    }
    this.reading.look();
    this.outbox.hurry();
    this.around.changed();
  }

  private frame(frame: FromServer): void {
    switch (frame.type) {
      case 'ready':
        this.welcome();
        this.thread.advance(frame.seq);
        this.status(frame.status);
        this.presence(frame);
        break;
      case 'resync':
        this.welcome();
        void this.insist.on('resync', () => this.fetching.afresh(frame.seq));
        break;
      case 'message':
        this.thread.advance(frame.seq);
        this.ack();
        this.arrived([frame.data], true);
        break;
      case 'status':
        this.thread.advance(frame.seq);
        this.status(frame.status);
        break;
      case 'typing':
        this.typing.hear(frame.on, frame.name);
        break;
      case 'seen':
        this.thread.seen(frame.up_to);
        break;
      case 'presence':
        this.presence(frame);
        break;
      case 'error':
        this.around.tell('error', { code: frame.code, message: frame.message });
        break;
    }
    this.around.changed();
  }

  /** The server takes what this visitor says: whoever was blocked is not any more. */
  private welcome(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.line.start();
  }

  private arrived(messages: Message[], live: boolean): void {
    const fresh = this.thread.merge(messages);
    this.outbox.confirm(messages);
    if (this.thread.status === 'none' && messages.length) this.thread.status = 'open';
    this.before.done();
    if (fresh.length) {
      this.typing.hush();
      if (live) {
        for (const one of fresh) this.around.tell('message', { id: one.id, from: one.name ?? '' });
        if (!this.open || !this.around.visible()) this.around.sound();
      }
    }
    this.reading.look();
    this.around.changed();
  }

  private status(status: Thread['status']): void {
    const ended = status === 'closed' && this.thread.status === 'open';
    this.thread.status = status;
    if (status === 'open') this.aside.rating = false;
    else if (ended) this.ask();
    this.around.changed();
  }

  /** Asks how it was, unless that was asked. */
  private ask(): void {
    const last = this.thread.messages.at(-1);
    this.aside.rating = !!this.config?.rating && !!last && this.around.kept.get('rated') !== last.id && this.around.now() - last.at < FRESH;
  }

  private presence({ open, agents_online }: { open: boolean; agents_online: boolean }): void {
    if (!this.config) return;
    const reopened = open !== this.config.open;
    this.config = { ...this.config, open, agents_online };
    // When it opens again is said by the configuration only.
    if (reopened) this.speak(this.words.tag);
  }

  /** Several messages in a row are confirmed by one word. */
  private ack(): void {
    this.around.cancel(this.acking);
    this.acking = this.around.later(() => this.line.send({ type: 'ack', seq: this.thread.seq ?? 0 }), 50);
  }

  private linked(link: Link): void {
    this.link = link;
    if (link === 'live') this.voided = 0;
    if (link === 'live' || link === 'polled') this.outbox.hurry();
    if (link !== 'live') this.typing.hush();
    this.around.changed();
  }

  private hungUp(code: number): void {
    if (code === 4401) {
      // Not the one of now: another tab may have brought that a moment ago.
      this.sessions.void(this.said);
      // A token that is void as soon as it is made must not become a hundred sessions.
      this.around.later(() => this.connect(), this.voided ? backoff(this.voided, this.around.random) : 0);
      this.voided += 1;
    } else if (code === 4403) {
      this.blocked = true;
    } else if (code === 4404) {
      this.around.tell('refused', { code: 'inbox_disabled', message: 'This chat is switched off.' });
    }
    this.around.changed();
  }

  private sendFailed(code: string, wrong: Refusal): void {
    if (code === 'blocked') this.blocked = true;
    if (code === 'incomplete') this.before.lacks(wrong.field ?? '');
    this.around.tell('error', { code, message: wrong.message });
  }

  private invite(rule: TriggerRule): void {
    const from = this.config?.name ?? '';
    this.invitation = rule;
    this.around.tell('teaser', { text: rule.text, from, open: this.words.say('teaser.open'), decline: this.words.say('teaser.decline') });
  }

  private refused({ code, message }: Refusal): void {
    if (code === 'blocked') this.blocked = true;
    const shut = code === 'inbox_disabled' || code === 'origin_not_allowed';
    this.around.tell(shut ? 'refused' : 'error', { code, message });
    this.around.changed();
  }
}
