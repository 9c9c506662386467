// The live connection: one socket, resumed by sequence number, reopened with back-off for as long as
// somebody is signed in. It knows nothing of rows or screens; it hands frames on in order and drops
// what it has seen before.
import type { ClientFrame, LiveEvent, ServerFrame } from '../api/types';
import { backoff } from './backoff';

export type Link = 'connecting' | 'live' | 'broken';

export interface SocketHandlers {
  link(state: Link): void;
  events(events: LiveEvent[]): void;
  /** The server cannot replay: everything on screen must be fetched again. */
  reset(): void;
  frame(frame: ServerFrame): void;
}

interface SocketLike {
  readyState: number;
  send(data: string): void;
  close(): void;
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
}

export interface Surroundings {
  open(): SocketLike;
  random(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

const PING_EVERY = 25_000;
const PONG_WITHIN = 10_000;

export class LiveSocket {
  private socket: SocketLike | undefined;
  private seq: number | null = null;
  private attempt = 0;
  private stopped = true;
  private ready = false;
  private timer: unknown;
  private heart: unknown;
  /** What the server must know again after a reconnect, by frame type. */
  private readonly standing = new Map<string, ClientFrame>();

  constructor(
    private readonly handlers: SocketHandlers,
    private readonly around: Surroundings,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.around.cancel(this.timer);
    this.around.cancel(this.heart);
    const socket = this.socket;
    this.socket = undefined;
    this.ready = false;
    this.seq = null;
    this.standing.clear();
    socket?.close();
  }

  /** Try at once, for instance because the network came back. */
  hurry(): void {
    if (this.stopped || this.socket) return;
    this.around.cancel(this.timer);
    this.connect();
  }

  send(frame: ClientFrame): void {
    if (frame.type === 'viewing' || frame.type === 'board') this.standing.set(frame.type, frame);
    if (this.ready) this.socket?.send(JSON.stringify(frame));
  }

  private connect(): void {
    this.handlers.link('connecting');
    const socket = this.around.open();
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', since: this.seq }));
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(String(event.data));
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
    socket.onerror = () => undefined;
  }

  private lost(): void {
    this.socket = undefined;
    this.ready = false;
    this.around.cancel(this.heart);
    if (this.stopped) return;
    this.handlers.link('broken');
    this.timer = this.around.later(() => this.connect(), backoff(this.attempt, this.around.random));
    this.attempt += 1;
  }

  private receive(text: string): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      return;
    }
    switch (frame.type) {
      case 'ready': {
        // What was fetched before the first `ready` may lack what happened until then, and nobody tells it again.
        const first = this.seq === null;
        this.seq = Math.max(this.seq ?? 0, frame.seq);
        this.settled();
        if (first) this.handlers.reset();
        break;
      }
      case 'reset':
        this.seq = frame.seq;
        this.settled();
        this.handlers.reset();
        break;
      case 'events': {
        const seen = this.seq ?? -1;
        const fresh = frame.events.filter((event) => event.seq > seen);
        const last = fresh.at(-1);
        if (!last) break;
        this.seq = last.seq;
        this.handlers.events(fresh);
        break;
      }
      case 'pong':
        this.beat();
        break;
      default:
        this.handlers.frame(frame);
    }
  }

  private settled(): void {
    this.attempt = 0;
    this.ready = true;
    this.handlers.link('live');
    for (const frame of this.standing.values()) this.socket?.send(JSON.stringify(frame));
    this.beat();
  }

  /** A ping every so often; silence afterwards means that the line is dead although nobody told us. */
  private beat(): void {
    this.around.cancel(this.heart);
    this.heart = this.around.later(() => {
      this.send({ type: 'ping' });
      this.heart = this.around.later(() => {
        const dead = this.socket;
        this.lost();
        dead?.close();
      }, PONG_WITHIN);
    }, PING_EVERY);
  }
}
