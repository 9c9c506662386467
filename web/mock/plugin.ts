// A stand-in for the server while the page is being made: the contract's addresses over the small world
// of world.ts, plus its socket. Only the development server loads it; nothing of it is built.
// BALIE_MOCK_COUNT sets how many conversations wait; BALIE_MOCK_PACE how many seconds lie between events.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { WebSocketServer } from 'ws';
import type { Message, ReplyBody } from '../src/api/types.ts';
import { matches, order, readFilter } from '../src/inbox/filter.ts';
import { channels, World } from './world.ts';

const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><rect width="320" height="180" fill="#dfe6e4"/><rect x="24" y="24" width="180" height="14" fill="#64807c"/><rect x="24" y="58" width="272" height="8" fill="#9fb3b0"/><rect x="24" y="78" width="220" height="8" fill="#9fb3b0"/><circle cx="60" cy="130" r="14" fill="#0b6b6b"/><path d="M74 130h172" stroke="#9fb3b0" stroke-width="4"/><circle cx="260" cy="130" r="14" fill="#c9d4d2"/></svg>';

// What a request may carry is judged by the real server; here any shape passes.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Body = Record<string, any>;

class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, readonly extra: Record<string, unknown> = {}) {
    super(code);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as Body;
  } catch {
    return {};
  }
}

function measure(text: string, max: number) {
  const used = [...new Intl.Segmenter().segment(text)].length;
  const parts: string[] = [];
  if (used > max) {
    let part = '';
    for (const word of text.split(/(?<=\s)/)) {
      if ((part + word).length > max - 6) {
        parts.push(part.trim());
        part = '';
      }
      part += word;
    }
    parts.push(part.trim());
  }
  return { used, max, unit: 'graphemes', over: used > max, parts: parts.length ? parts.map((one, n) => `${one} (${n + 1}/${parts.length})`) : null, notes: [] };
}

export function mock(): Plugin {
  const world = new World(Number(process.env.BALIE_MOCK_COUNT ?? 60));
  const pace = Number(process.env.BALIE_MOCK_PACE ?? 9);
  let moved = false;

  const found = (id: string) => {
    const one = world.cases.get(id);
    if (!one) throw new Refusal(404, 'conversation.not_found');
    return one;
  };

  type Answer = unknown;
  type Route = [string, RegExp, (parts: string[], body: Body, url: URL) => Answer];
  const change = (id: string, part: object, kind = 'conversation.changed') => {
    const one = found(id);
    Object.assign(one.row, part);
    world.emit(kind, one, undefined, { kind: 'user', id: world.me.id, name: world.me.name });
    return one.row;
  };

  const routes: Route[] = [
    ['GET', /^\/api\/me$/, () => world.me],
    ['PATCH', /^\/api\/me$/, (_, body) => (world.me = { ...world.me, ...body })],
    ['POST', /^\/api\/me\/password$/, () => null],
    ['GET', /^\/api\/tokens$/, () => [{ id: 'a', name: 'Weekrapport', created_at: Date.now() - 9e8, last_used_at: Date.now() - 9e6 }]],
    ['POST', /^\/api\/tokens$/, (_, body) => ({ id: randomUUID(), name: body['name'], created_at: Date.now(), last_used_at: null, token: `balie_${randomUUID()}` })],
    ['DELETE', /^\/api\/tokens\/(.+)$/, () => null],
    ['GET', /^\/api\/channels$/, () => channels],
    ['GET', /^\/api\/accounts$/, () => world.accounts],
    ['GET', /^\/api\/accounts\/(.+)$/, ([id]) => world.accounts.find((one) => one.id === id)],
    ['POST', /^\/api\/accounts\/test$/, () => ({ handle: '@groenewaard@mast.example', name: 'Groenewaard', url: null })],
    ['POST', /^\/api\/accounts\/([^/]+)\/probe$/, ([id]) => world.accounts.find((one) => one.id === id)],
    ['POST', /^\/api\/accounts$/, (_, body) => {
      const made = { ...world.accounts[0]!, id: randomUUID(), name: (body['name'] as string) || 'Nieuw account', channel: body['channel'] as string };
      world.accounts.push(made);
      return made;
    }],
    ['PATCH', /^\/api\/accounts\/(.+)$/, ([id], body) => Object.assign(world.accounts.find((one) => one.id === id)!, body)],
    ['DELETE', /^\/api\/accounts\/(.+)$/, ([id]) => void world.accounts.splice(world.accounts.findIndex((one) => one.id === id), 1)],
    ['POST', /^\/api\/connect\/(.+)$/, () => ({ authorize_url: '/settings/accounts' })],
    ['GET', /^\/api\/users$/, () => world.users],
    ['POST', /^\/api\/users$/, (_, body) => {
      const made = { ...world.users[1]!, ...(body as object), id: randomUUID() };
      world.users.push(made);
      return made;
    }],
    ['PATCH', /^\/api\/users\/(.+)$/, ([id], body) => Object.assign(world.users.find((one) => one.id === id)!, body)],
    ['GET', /^\/api\/teams$/, () => world.teams],
    ['POST', /^\/api\/teams$/, (_, body) => {
      const made = { id: randomUUID(), name: body['name'] as string, member_ids: [] };
      world.teams.push(made);
      return made;
    }],
    ['PATCH', /^\/api\/teams\/(.+)$/, ([id], body) => Object.assign(world.teams.find((one) => one.id === id)!, body)],
    ['GET', /^\/api\/tags$/, () => world.tags],
    ['POST', /^\/api\/tags$/, (_, body) => {
      const made = { id: randomUUID(), color: null, archived: false, name: '', ...(body as object) };
      world.tags.push(made);
      return made;
    }],
    ['PATCH', /^\/api\/tags\/(.+)$/, ([id], body) => Object.assign(world.tags.find((one) => one.id === id)!, body)],
    ['GET', /^\/api\/quarantine$/, () => [{ id: 'q1', account_id: world.accounts[0]!.id, received_at: Date.now() - 36e5, error: 'expected a string at status.content', source: 'notifications', size: 2210, replayed_at: null }]],
    ['GET', /^\/api\/quarantine\/(.+)$/, () => ({ id: 'q1', account_id: '', received_at: Date.now(), error: 'expected a string', source: 'notifications', size: 12, replayed_at: null, payload: '{"type":"mention","status":{"content":null}}' })],
    ['POST', /^\/api\/quarantine\/(.+)\/replay$/, () => null],
    ['GET', /^\/api\/load$/, () => world.load()],
    ['GET', /^\/api\/conversations\/counts$/, () => {
      const rows = [...world.cases.values()].map((one) => one.row);
      const open = rows.filter((row) => row.status === 'open');
      const of = (status: string) => rows.filter((row) => row.status === status).length;
      return {
        open: open.length, unassigned: open.filter((row) => !row.assignee_id).length, mine: open.filter((row) => row.assignee_id === world.me.id).length, pending: of('pending'), snoozed: of('snoozed'), closed_today: of('closed'),
        by_team: world.teams.map((team) => ({ id: team.id, count: open.filter((row) => row.team_id === team.id).length })),
      };
    }],
    ['GET', /^\/api\/conversations$/, (_, __, url) => {
      const filter = readFilter(url.searchParams);
      const words = (filter.q ?? '').toLowerCase();
      const rows = [...world.cases.values()]
        .filter((one) => matches({ ...filter, q: '' }, one.row, world.me.id))
        .filter((one) => !words || JSON.stringify(one.messages).toLowerCase().includes(words))
        .map((one) => one.row)
        .sort(order(filter.status));
      const from = Number(url.searchParams.get('cursor') ?? 0);
      const limit = Number(url.searchParams.get('limit') ?? 50);
      return { items: rows.slice(from, from + limit), next: from + limit < rows.length ? String(from + limit) : null };
    }],
    ['POST', /^\/api\/conversations\/next$/, () => {
      const rows = [...world.cases.values()].filter((one) => one.row.status === 'open' && one.row.waiting_since && !one.row.claim).sort((a, b) => order('open')(a.row, b.row));
      const one = rows[0];
      if (!one) return null;
      one.claim = { user_id: world.me.id, until: Date.now() + 600_000, token: randomUUID() };
      change(one.row.id, { claim: { user_id: world.me.id, until: one.claim.until } });
      return { conversation_id: one.row.id, claim: one.claim };
    }],
    ['GET', /^\/api\/conversations\/([^/]+)$/, ([id]) => world.detail(found(id!))],
    ['POST', /^\/api\/conversations\/([^/]+)\/claim$/, ([id]) => {
      const one = found(id!);
      if (one.row.claim && one.row.claim.user_id !== world.me.id) {
        const holder = world.users.find((user) => user.id === one.row.claim?.user_id);
        throw new Refusal(409, 'claim.held', { holder: { id: holder?.id, name: holder?.name }, until: one.row.claim.until });
      }
      one.claim = { user_id: world.me.id, until: Date.now() + 600_000, token: one.claim?.token ?? randomUUID() };
      change(id!, { claim: { user_id: world.me.id, until: one.claim.until } });
      return one.claim;
    }],
    ['DELETE', /^\/api\/conversations\/([^/]+)\/claim$/, ([id]) => {
      found(id!).claim = null;
      change(id!, { claim: null });
      return null;
    }],
    ['POST', /^\/api\/conversations\/([^/]+)\/replies$/, ([id], raw) => {
      const body = raw as unknown as ReplyBody;
      const one = found(id!);
      const thread = one.threads.find((other) => other.id === body.thread_id)!;
      // The word "storing" makes the customer interrupt once, to show the refusal.
      if (body.text.includes('storing') && !moved) {
        moved = true;
        world.speak(one, 'O wacht, het werkt ineens weer!');
        throw new Refusal(409, 'thread.moved', { thread_version: thread.version, messages: one.messages.slice(-1) });
      }
      const result = measure(body.text, thread.allowance.limit?.max ?? 500);
      if (result.over) throw new Refusal(422, 'reply.too_long', result);
      const message = world.reply(one, { text: body.text, visibility: body.visibility ?? null, content_warning: body.content_warning ?? null }, thread);
      change(id!, { status: body.then, closed_at: body.then === 'closed' ? Date.now() : null, claim: null });
      one.claim = null;
      world.emit('message.added', one, message);
      return message;
    }],
    ['POST', /^\/api\/conversations\/([^/]+)\/notes$/, ([id], body) => {
      const one = found(id!);
      const message = world.note(one, body['text']);
      world.emit('message.added', one, message);
      return message;
    }],
    ['PUT', /^\/api\/conversations\/([^/]+)\/assignee$/, ([id], body) => change(id!, { assignee_id: body['user_id'] ?? null, team_id: body['team_id'] ?? null })],
    ['POST', /^\/api\/conversations\/([^/]+)\/tags$/, ([id], body) => {
      let tag = body['tag_id'] as string | undefined;
      if (!tag) {
        const made = { id: randomUUID(), name: body['name'] as string, color: null, archived: false };
        world.tags.push(made);
        world.emit('tag.changed');
        tag = made.id;
      }
      return change(id!, { tags: [...found(id!).row.tags, tag] });
    }],
    ['DELETE', /^\/api\/conversations\/([^/]+)\/tags\/(.+)$/, ([id, tag]) => change(id!, { tags: found(id!).row.tags.filter((one) => one !== tag) })],
    ['PUT', /^\/api\/conversations\/([^/]+)\/status$/, ([id], body) => change(id!, { status: body['status'], closed_at: body['status'] === 'closed' ? Date.now() : null, ...(body['status'] === 'open' ? {} : { claim: null }) })],
    ['PUT', /^\/api\/conversations\/([^/]+)\/snooze$/, ([id], body) => change(id!, { status: 'snoozed', snoozed_until: body['until'] })],
    ['PUT', /^\/api\/conversations\/([^/]+)\/priority$/, ([id], body) => change(id!, { priority: body['priority'], why: [{ code: 'priority' }] })],
    ['PUT', /^\/api\/conversations\/([^/]+)\/draft$/, ([id], body) => {
      found(id!).draft = body['text'] ? (body as never) : null;
      return null;
    }],
    ['POST', /^\/api\/threads\/([^/]+)\/measure$/, ([id], body) => {
      const thread = [...world.cases.values()].flatMap((one) => one.threads).find((one) => one.id === id);
      return measure(body['text'], thread?.allowance.limit?.max ?? 500);
    }],
    ['POST', /^\/api\/messages\/([^/]+)\/(actions|resolve)$/, ([id, verb], body) => {
      const one = [...world.cases.values()].find((other) => other.messages.some((message) => message.id === id))!;
      const message = one.messages.find((other) => other.id === id)! as Message;
      const action = body['action'] as string;
      if (verb === 'resolve') {
        message.delivery = body['as'] === 'discard' ? null : { ...message.delivery!, state: 'sent' };
        if (body['as'] === 'discard') message.removed_at = Date.now();
        one.row.delivery_problem = false;
        one.row.why = [];
      } else if (action === 'like' || action === 'unlike') {
        message.liked = action === 'like';
        message.actions = message.actions.map((other) => (other === action ? (action === 'like' ? 'unlike' : 'like') : other));
      } else if (action === 'boost' || action === 'unboost') {
        message.boosted = action === 'boost';
        message.actions = message.actions.map((other) => (other === action ? (action === 'boost' ? 'unboost' : 'boost') : other));
      } else if (action === 'delete') message.removed_at = Date.now();
      world.emit('message.changed', one, { ...message });
      return { ...message };
    }],
    ['POST', /^\/api\/uploads$/, () => ({ id: randomUUID(), name: 'bestand', mime: 'image/png', size: 1 })],
  ];

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const send = (status: number, value: unknown, type = 'application/json'): void => {
      response.statusCode = value === null || value === undefined ? 204 : status;
      response.setHeader('content-type', type);
      response.end(value === null || value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value));
    };
    const signedIn = (request.headers.cookie ?? '').includes('balie_session=yes');
    const body = request.method === 'GET' ? ({} as Body) : await bodyOf(request);
    try {
      if (url.pathname === '/api/session') {
        if (request.method === 'DELETE') {
          response.setHeader('set-cookie', 'balie_session=; Path=/; Max-Age=0');
          return send(204, null);
        }
        if (body['password'] === 'fout') throw new Refusal(401, 'session.bad_credentials');
        response.setHeader('set-cookie', 'balie_session=yes; Path=/; HttpOnly; SameSite=Lax');
        return send(200, world.me);
      }
      if (!signedIn) throw new Refusal(401, 'session.missing');
      if (url.pathname.startsWith('/api/media/')) return send(200, PICTURE, 'image/svg+xml');
      for (const [method, path, run] of routes) {
        const hit = request.method === method ? path.exec(url.pathname) : null;
        if (hit) return send(method === 'POST' ? 201 : 200, run(hit.slice(1), body, url));
      }
      throw new Refusal(404, 'not_found');
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'server');
      if (!(error instanceof Refusal)) console.error(error);
      response.statusCode = refusal.status;
      response.setHeader('content-type', 'application/problem+json');
      response.end(JSON.stringify({ type: 'about:blank', title: refusal.code, status: refusal.status, code: refusal.code, ...refusal.extra }));
    }
  }

  return {
    name: 'balie-mock',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? '/', 'http://mock');
        if (url.pathname.startsWith('/api/')) void answer(request, response, url);
        else next();
      });
      const sockets = new WebSocketServer({ noServer: true });
      server.httpServer?.on('upgrade', (request, socket, head) => {
        if (!request.url?.startsWith('/api/live')) return;
        sockets.handleUpgrade(request, socket as never, head, (client) => {
          const tell = (frame: object): void => client.send(JSON.stringify(frame));
          const pass = (event: object): void => tell({ type: 'events', events: [event] });
          let board: NodeJS.Timeout | undefined;
          client.on('message', (data) => {
            const frame = JSON.parse(String(data)) as { type: string; on?: boolean; since?: number | null };
            if (frame.type === 'hello') {
              tell(frame.since !== null && frame.since !== world.seq ? { type: 'reset', seq: world.seq } : { type: 'ready', seq: world.seq });
              world.listeners.add(pass);
            } else if (frame.type === 'ping') tell({ type: 'pong' });
            else if (frame.type === 'board') {
              clearInterval(board);
              if (frame.on) {
                tell({ type: 'load', load: world.load() });
                board = setInterval(() => tell({ type: 'load', load: world.load() }), 1000);
              }
            }
          });
          client.on('close', () => {
            clearInterval(board);
            world.listeners.delete(pass);
          });
        });
      });
      let tick = world.cases.size;
      const timer = setInterval(() => {
        tick += 1;
        const open = [...world.cases.values()].filter((one) => one.row.status === 'open');
        if (tick % 3 === 0 && open.length > 2) world.speak(open[tick % open.length]!, tick % 2 ? 'Is er al nieuws?' : 'Any news on this?');
        else {
          const made = world.invent(tick, true);
          if (tick % 4 === 0) Object.assign(made.row, { priority: 'urgent', queue_key: 0, why: [{ code: 'priority' }] });
          world.emit('conversation.created', made);
        }
      }, pace * 1000);
      server.httpServer?.on('close', () => clearInterval(timer));
    },
  };
}
