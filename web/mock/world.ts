// A small world that behaves as the contract says: conversations in memory, changes as numbered events,
// and just enough rules (claims, versions, limits) for every state of the screen to be reachable.
import { randomUUID } from 'node:crypto';
import type {
  Account,
  Allowance,
  Channel,
  ClaimInfo,
  Contact,
  Conversation,
  ConversationRow,
  Draft,
  LiveEvent,
  Load,
  Me,
  Message,
  Tag,
  Team,
  Thread,
  User,
} from '../src/api/types.ts';
import { extra, names, people, posts, type Said } from './data.ts';

const MIN = 60_000;

const icon = (path: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="currentColor"><path d="${path}"/></svg>`;

export const channels: Channel[] = [
  {
    key: 'fedi',
    name: 'Fedi',
    icon: icon('M12 2 3 7v10l9 5 9-5V7zm0 4.200 5 2.800v6l-5 2.800-5-2.800V9z'),
    oauth: true,
    lanes: ['public', 'private'],
    setup: '1. Log in op je server.\n2. Ga naar **Voorkeuren → Ontwikkeling**.\n3. Maak een nieuwe toepassing en kopieer het toegangstoken.',
    fields: [
      { key: 'server', label: { nl: 'Adres van de server', en: 'Server address' }, help: { nl: 'Bijvoorbeeld https://mast.example', en: 'For example https://mast.example' }, kind: 'url', required: true, default: null },
      { key: 'token', label: { nl: 'Toegangstoken', en: 'Access token' }, help: { nl: 'Leeg laten om via de server in te loggen.', en: 'Leave empty to sign in at the server.' }, kind: 'secret', required: false, default: null },
    ],
  },
  {
    key: 'sky',
    name: 'Sky',
    icon: icon('M12 10.800C10.900 8.700 8 4.700 5.200 2.800 2.600 1 2 2 2 4.200c0 .500.300 4.100.400 4.700.500 2 2.600 2.700 4.500 2.400-3.300.500-6.200 1.700-2.400 6 4.200 4.400 5.700-.900 7.500-4.300 1.800 3.400 3.200 8.500 7.400 4.300 3.200-3.200.900-5.500-2.400-6 1.900.200 4-.400 4.500-2.400.200-.600.500-4.200.500-4.700 0-2.200-.600-3.200-3.200-1.400C16 4.700 13.100 8.700 12 10.800z'),
    oauth: false,
    lanes: ['public', 'private'],
    setup: 'Maak onder Instellingen → App-wachtwoorden een nieuw wachtwoord en sta directe berichten toe.',
    fields: [
      { key: 'handle', label: { nl: 'Handle', en: 'Handle' }, help: null, kind: 'text', required: true, default: null },
      { key: 'password', label: { nl: 'App-wachtwoord', en: 'App password' }, help: null, kind: 'secret', required: true, default: null },
      { key: 'history_days', label: { nl: 'Dagen geschiedenis', en: 'Days of history' }, help: null, kind: 'number', required: false, default: 7 },
      { key: 'dms', label: { nl: 'Privéberichten ophalen', en: 'Fetch private messages' }, help: null, kind: 'bool', required: false, default: true },
    ],
  },
];

const allowance = (channel: string, lane: 'public' | 'private'): Allowance => ({
  may_reply: true,
  code: null,
  until: null,
  limit: { unit: 'graphemes', max: channel === 'sky' ? (lane === 'private' ? 1000 : 300) : 500 },
  visibilities: channel === 'fedi' && lane === 'public' ? ['public', 'unlisted', 'private', 'direct'] : [],
  default_visibility: channel === 'fedi' ? (lane === 'public' ? 'unlisted' : 'direct') : null,
  content_warning: channel === 'fedi',
  language: true,
  attachments: { max: 4, max_bytes: 8_000_000, mimes: ['image/png', 'image/jpeg', 'image/webp'], alt_max: 1500 },
  cost: null,
});

interface Case {
  row: ConversationRow;
  threads: Thread[];
  messages: Message[];
  contact: Contact;
  draft: Draft | null;
  claim: (ClaimInfo & { token: string }) | null;
}

export class World {
  seq = 100;
  readonly cases = new Map<string, Case>();
  readonly listeners = new Set<(event: LiveEvent) => void>();
  readonly users: User[];
  readonly teams: Team[];
  readonly tags: Tag[];
  readonly accounts: Account[];
  me: Me;
  answers: number[] = [];
  arrivals: number[] = [];

  constructor(count: number) {
    const person = (name: string, role: User['role']): User => ({
      id: randomUUID(), name, email: `${name.split(' ')[0]!.toLowerCase()}@balie.example`, role, locale: 'nl', enabled: true, team_ids: [], online: true,
    });
    this.users = [person('Joris Kamphuis', 'admin'), person('Fatima Benali', 'agent'), person('Marloes Peeters', 'agent'), person('Oliver Wren', 'supervisor')];
    this.teams = ['Bezorging', 'Betalingen', 'Techniek'].map((name) => ({ id: randomUUID(), name, member_ids: [] }));
    this.tags = [['bezorging', '#3f7fbf'], ['app', '#9a5fb0'], ['betaling', '#3c8f63'], ['compliment', '#c08a1e'], ['klacht', '#b5533f']].map(([name, color]) => ({ id: randomUUID(), name: name!, color: color!, archived: false }));
    const ok = { state: 'ok' as const, code: null, cause: null, cure: null, since: Date.now() - 3 * 3600_000 };
    const account = (channel: string, name: string, handle: string): Account => ({
      id: randomUUID(), channel, name, handle, url: 'https://brand.example', enabled: true, health: ok, lag_ms: 1400, last_success_at: Date.now() - 2000,
      quota: { limit: 300, remaining: 212, reset_at: Date.now() + 4 * MIN }, team_ids: [], settings: { server: 'https://mast.example', handle },
    });
    this.accounts = [account('fedi', 'Groenewaard', '@groenewaard@mast.example'), account('sky', 'Groenewaard Sky', '@groenewaard.example'), account('fedi', 'Groenewaard Jobs', '@jobs@mast.example')];
    this.accounts[2]!.health = {
      state: 'down', code: 'unauthorized', since: Date.now() - 12 * MIN,
      cause: { nl: 'De server accepteert het token niet meer.', en: 'The server no longer accepts the token.' },
      cure: { nl: 'Maak een nieuw token en vul het hieronder in.', en: 'Create a new token and enter it below.' },
    };
    this.accounts[2]!.lag_ms = null;
    const me = this.users[0]!;
    this.me = { id: me.id, name: me.name, email: me.email, role: me.role, locale: 'nl', teams: [], preferences: {}, playground: true, version: '0.1.0' };
    for (let index = 0; index < count; index++) this.invent(index);
  }

  emit(kind: string, found?: Case, message?: Message, actor?: LiveEvent['actor']): void {
    const event: LiveEvent = { seq: ++this.seq, at: Date.now(), kind, actor: actor ?? { kind: 'system' } };
    if (found) {
      found.row = { ...found.row, version: found.row.version + 1 };
      event.conversation_id = found.row.id;
      event.row = found.row;
    }
    if (message) event.message = message;
    for (const tell of this.listeners) tell(event);
  }

  private message(found: Case, thread: Thread | null, part: Partial<Message>): Message {
    const at = part.sent_at ?? Date.now();
    return {
      id: randomUUID(), conversation_id: found.row.id, thread_id: thread?.id ?? null, direction: 'in', origin: 'channel', kind: thread?.kind === 'dm' ? 'dm' : 'mention',
      author: { name: found.contact.name, handle: found.row.contact.handle, avatar_url: null, url: null, user_id: null, identity_id: found.contact.identities[0]!.id, brand: false },
      text: '', html: null, language: 'nl', content_warning: null, visibility: thread?.lane === 'private' ? 'direct' : 'public', sent_at: at, received_at: at, edited_at: null,
      removed_at: null, versions: [], reply_to: null, url: thread?.lane === 'public' ? 'https://mast.example/1' : null, attachments: [], delivery: null, history: false,
      actions: ['like', 'boost', 'mute', 'block', 'report'], liked: false, boosted: false, ...part,
    };
  }

  private brand(account: Account): Message['author'] {
    return { name: account.name, handle: account.handle, avatar_url: null, url: null, user_id: null, identity_id: null, brand: true };
  }

  invent(index: number, live = false): Case {
    const known = people[index];
    const name = known?.name ?? `${names[index % names.length]}`;
    const pair = extra[index % extra.length]!;
    const said: Said = known ?? { lang: index % 3 ? 'nl' : 'en', lane: index % 4 === 1 ? 'private' : 'public', name, handle: `@${name.split(' ')[0]!.toLowerCase()}${index}@mast.example`, lines: [pair[index % 3 ? 0 : 1]] };
    const channel = said.handle.includes('bsky') ? 'sky' : 'fedi';
    const account = channel === 'sky' ? this.accounts[1]! : this.accounts[0]!;
    const id = randomUUID();
    const waited = live ? 0 : known ? [92, 3, 41, 312, 18, 7, 55, 1, 26, 140, 66, 12][index]! * MIN : (20 + index * 1.7) * MIN;
    const since = Date.now() - waited;
    const thread: Thread = { id: randomUUID(), account_id: account.id, lane: said.lane, kind: said.lane === 'private' ? 'dm' : 'post', title: null, url: said.lane === 'public' ? 'https://mast.example/t' : null, version: 1, allowance: allowance(channel, said.lane) };
    const contact: Contact = { id: randomUUID(), name, identities: [{ id: randomUUID(), channel, handle: said.handle, name, avatar_url: null, url: 'https://mast.example/u' }] };
    const found: Case = {
      threads: [thread], messages: [], contact, draft: null, claim: null,
      row: {
        id, status: 'open', lane: said.lane, channel, account_id: account.id, contact: { id: contact.id, name, handle: said.handle, avatar_url: null }, subject: null, snippet: said.lines.at(-1)!,
        last_direction: 'in', last_message_at: since, waiting_since: since, snoozed_until: null, closed_at: null, assignee_id: null, team_id: index % 5 === 0 ? this.teams[index % 3]!.id : null, tags: [],
        priority: 'normal', claim: null, message_count: said.lines.length, delivery_problem: false, why: [{ code: 'waiting', at: since }], version: 1, queue_key: since, created_at: since,
      },
    };
    if (said.post) {
      found.messages.push(this.message(found, thread, { direction: 'context', kind: 'post', author: this.brand(account), text: said.post, sent_at: since - 5 * 3600_000, actions: [] }));
      for (const [n, other] of (['Zelfde hier.', 'Bij mij werkt het weer.', 'Goed dat jullie het zeggen!'] as const).entries()) {
        found.messages.push(this.message(found, thread, { direction: 'context', kind: 'reply', author: { name: names[(index + n) % names.length]!, handle: null, avatar_url: null, url: null, user_id: null, identity_id: null, brand: false }, text: other, sent_at: since - (60 - n * 9) * MIN, actions: [] }));
      }
    }
    for (const [n, text] of said.lines.entries()) {
      found.messages.push(this.message(found, thread, { text, sent_at: since + n * 2 * MIN, language: said.lang, kind: said.lane === 'private' ? 'dm' : said.post ? 'reply' : 'mention' }));
    }
    if (!live) this.decorate(index, found, thread, account, since);
    this.cases.set(id, found);
    this.arrivals.push(since);
    return found;
  }

  /** Makes the first few cases show every state that a thread can be in. */
  private decorate(index: number, found: Case, thread: Thread, account: Account, since: number): void {
    const [, fatima, marloes] = this.users;
    const { row } = found;
    if (index === 0) {
      Object.assign(row, { tags: [this.tags[1]!.id], team_id: this.teams[2]!.id, priority: 'high', why: [{ code: 'priority' }] });
    } else if (index === 1) {
      row.tags = [this.tags[2]!.id];
      row.assignee_id = this.me.id;
    } else if (index === 3) {
      const dm: Thread = { id: randomUUID(), account_id: account.id, lane: 'private', kind: 'dm', title: null, url: null, version: 3, allowance: { ...allowance('fedi', 'private'), until: Date.now() + 21 * 3600_000 } };
      found.threads.push(dm);
      const ours = (part: Partial<Message>, on: Thread): Message =>
        this.message(found, on, { direction: 'out', origin: 'balie', kind: on.kind === 'dm' ? 'dm' : 'reply', author: { ...this.brand(account), name: fatima!.name, user_id: fatima!.id }, actions: ['delete'], delivery: { state: 'sent', attempts: 1, due_at: null, code: null, cause: null, cure: null }, ...part });
      found.messages.push(
        ours({ text: 'Hoi Bram, wat vervelend. Stuur je ons je postcode in een privébericht? Dan zoeken we het meteen uit.', sent_at: since + 20 * MIN }, thread),
        this.message(found, dm, { text: '8012 AB, huisnummer 14. En graag snel…', sent_at: since + 31 * MIN, edited_at: since + 33 * MIN, versions: [{ text: '8012 AB. En graag snel…', at: since + 31 * MIN }] }),
        this.message(found, null, { direction: 'note', origin: 'balie', kind: 'note', author: { name: marloes!.name, handle: null, avatar_url: null, url: null, user_id: marloes!.id, identity_id: null, brand: true }, text: 'Vervoerder belt terug vóór 15.00 uur. Pakket ligt in sorteercentrum Zwolle.', sent_at: since + 40 * MIN, actions: [], visibility: null }),
        ours({ text: 'Dank je. Het pakket ligt in Zwolle; je hoort vandaag voor 17.00 uur van ons wanneer het komt.', sent_at: since + 44 * MIN, delivery: { state: 'uncertain', attempts: 1, due_at: null, code: 'connection_cut', cause: null, cure: null } }, dm),
        this.message(found, dm, { text: 'Laat maar zitten!!', sent_at: since + 50 * MIN, removed_at: since + 52 * MIN }),
        this.message(found, dm, { text: 'Sorry, dat was niet aardig. Ik wacht het af, maar het is wel voor een verjaardag morgen.', sent_at: since + 55 * MIN, attachments: [{ id: randomUUID(), kind: 'image', mime: 'image/svg+xml', name: 'pakket.svg', alt: 'Schermafdruk van de track & trace: pakket in sorteercentrum', size: 1200, width: 320, height: 180, url: '/api/media/example', state: 'stored' }] }),
      );
      Object.assign(row, { priority: 'urgent', lane: 'private', assignee_id: fatima!.id, tags: [this.tags[0]!.id, this.tags[4]!.id, this.tags[1]!.id], delivery_problem: true, why: [{ code: 'delivery_problem' }], snippet: found.messages.at(-1)!.text, message_count: 9 });
    } else if (index === 5) {
      row.tags = [this.tags[3]!.id];
      found.messages[0]!.liked = true;
      found.messages[0]!.actions = ['unlike', 'boost', 'mute', 'block', 'report'];
    } else if (index === 6) {
      row.claim = { user_id: fatima!.id, until: Date.now() + 10 * MIN };
      found.claim = { ...row.claim, token: 'hers' };
    } else if (index === 8) {
      Object.assign(row, { why: [{ code: 'reopened' }], tags: [this.tags[1]!.id, this.tags[4]!.id] });
    } else if (index === 10) {
      thread.allowance = { ...thread.allowance, may_reply: false, code: 'removed' };
      found.messages.at(-1)!.removed_at = Date.now() - 3 * MIN;
    } else if (index > 14 && index < 24) {
      row.status = (['pending', 'snoozed', 'closed'] as const)[index % 3]!;
      row.waiting_since = null;
      if (row.status === 'snoozed') row.snoozed_until = Date.now() + index * 17 * MIN;
      if (row.status === 'closed') row.closed_at = Date.now() - index * MIN;
    }
  }

  /** The customer says something more. */
  speak(found: Case, text: string): void {
    const thread = found.threads.at(-1)!;
    thread.version += 1;
    const message = this.message(found, thread, { text, kind: thread.kind === 'dm' ? 'dm' : 'reply' });
    found.messages.push(message);
    Object.assign(found.row, { snippet: text, last_direction: 'in', last_message_at: message.sent_at, status: 'open', waiting_since: found.row.waiting_since ?? message.sent_at, message_count: found.row.message_count + 1 });
    this.arrivals.push(Date.now());
    this.emit('message.added', found, message, { kind: 'channel' });
  }

  reply(found: Case, part: Partial<Message>, thread: Thread): Message {
    const account = this.accounts.find((one) => one.id === thread.account_id)!;
    const message = this.message(found, thread, {
      direction: 'out', origin: 'balie', kind: thread.kind === 'dm' ? 'dm' : 'reply', author: { ...this.brand(account), name: this.me.name, user_id: this.me.id }, actions: [],
      delivery: { state: 'queued', attempts: 0, due_at: null, code: null, cause: null, cure: null }, ...part,
    });
    found.messages.push(message);
    this.answers.push(Date.now());
    Object.assign(found.row, { snippet: message.text, last_direction: 'out', last_message_at: message.sent_at, waiting_since: null, message_count: found.row.message_count + 1 });
    setTimeout(() => {
      message.delivery = { ...message.delivery!, state: 'sent', attempts: 1 };
      message.actions = ['delete'];
      this.emit('message.changed', found, { ...message });
    }, 900);
    return message;
  }

  note(found: Case, text: string): Message {
    const message = this.message(found, null, { direction: 'note', origin: 'balie', kind: 'note', text, author: { name: this.me.name, handle: null, avatar_url: null, url: null, user_id: this.me.id, identity_id: null, brand: true }, actions: [], visibility: null });
    found.messages.push(message);
    return message;
  }

  detail(found: Case): Conversation {
    const { row, threads, messages, contact, draft, claim } = found;
    const history = [...this.cases.values()].filter((one) => one.row.status === 'closed').slice(0, 2).map((one) => one.row);
    return { row, threads, messages, earlier: null, contact, history, draft, claim: claim && claim.user_id === this.me.id ? claim : row.claim, viewers: [{ user_id: this.users[2]!.id, name: this.users[2]!.name, replying: false }], seq: this.seq };
  }

  load(): Load {
    const open = [...this.cases.values()].map((one) => one.row).filter((row) => row.status === 'open');
    const oldest = (rows: ConversationRow[]): number | null => rows.reduce<number | null>((least, row) => (row.waiting_since !== null && (least === null || row.waiting_since < least) ? row.waiting_since : least), null);
    const hour = Date.now() - 60 * MIN;
    const minutes = Array.from({ length: 60 }, (_, n) => {
      const at = Math.floor(hour / MIN) * MIN + (n + 1) * MIN;
      const within = (times: number[]): number => times.filter((time) => time >= at && time < at + MIN).length;
      return { at, arrivals: within(this.arrivals) + Math.round(2 + 2 * Math.sin(n / 7) + (n % 3)), answers: within(this.answers) + Math.round(2 + Math.cos(n / 9) + (n % 2)) };
    });
    const sum = (key: 'arrivals' | 'answers'): number => minutes.reduce((total, minute) => total + minute[key], 0);
    return {
      at: Date.now(), waiting: open.length, oldest_since: oldest(open), unassigned: open.filter((row) => !row.assignee_id).length, arrivals_hour: sum('arrivals'), answers_hour: sum('answers'), minutes,
      accounts: this.accounts.map((account) => {
        const rows = open.filter((row) => row.account_id === account.id);
        return { id: account.id, name: account.name, channel: account.channel, waiting: rows.length, oldest_since: oldest(rows), arrivals_hour: rows.length * 2, answers_hour: rows.length, health: account.health, lag_ms: account.lag_ms };
      }),
      teams: this.teams.map((team) => {
        const rows = open.filter((row) => row.team_id === team.id);
        return { id: team.id, name: team.name, waiting: rows.length, oldest_since: oldest(rows) };
      }),
      agents: this.users.map((user, n) => ({ id: user.id, name: user.name, online: n !== 3, open: open.filter((row) => row.assignee_id === user.id).length, claimed: n === 1 ? 1 : 0, answers_hour: [14, 22, 9, 0][n]! })),
    };
  }
}

export const examplePosts = posts;
