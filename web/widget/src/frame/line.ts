// The live line to the server: one socket per tab, resumed by the largest sequence number seen, reopened with full jitter
// for as long as the chat wants it. Where sockets are blocked on the way, the same news is fetched every few seconds.
import { backoff } from './backoff';
import type { FromServer, FromVisitor } from './wire';

/** `polled`: no socket comes through, and the news is fetched instead. */
export type Link = 'off' | 'connecting' | 'live' | 'polled' | 'broken';

interface SocketLike {
  send(data: string): void;
  close(): void;
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
}

export interface LineAround {
  open(): SocketLike;
  /** The first words: who we are and where we were. */
  hello(): FromVisitor;
  frame(frame: FromServer): void;
  link(state: Link): void;
  /** The server will not have this token, this site or this visitor any more. */
  closed(code: number): void;
  /** Asks for the news without a socket; whether there was an answer. */
  poll(): Promise<boolean>;
  random(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

const PING_EVERY = 22_000;
const PONG_WITHIN = 12_000;
const POLL_EVERY = 5_000;
/** After so many attempts in a row that never came live, the way there is taken to be blocked, and is only tried now and then. */
const BLOCKED = 3;
const FINAL = [4401, 4403, 4404, 1008, 1009];

export class Line {
  private socket: SocketLike | undefined;
  private wanted = false;
  private live = false;
  private attempt = 0;
  private timer: unknown;
  private heart: unknown;
  private polling: unknown;
  private polled = false;

  constructor(private readonly around: LineAround) {}

  get isLive(): boolean {
    return this.live;
  }

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.attempt = 0;
    this.connect();
  }

  stop(): void {
    this.wanted = false;
    this.around.cancel(this.timer);
    this.drop();
    this.around.cancel(this.polling);
    this.around.link('off');
  }

  /** A new token: the old line is closed and a new one says the new token. */
  again(): void {
    this.stop();
    this.start();
  }

  /** The network is back: now, not when the wait is over. */
  hurry(): void {
    if (!this.wanted || this.socket) return;
    this.around.cancel(this.timer);
    this.connect();
  }

  send(frame: FromVisitor): boolean {
    if (!this.live) return false;
    this.socket?.send(JSON.stringify(frame));
    return true;
  }

  private connect(): void {
    if (!this.attempt) this.around.link('connecting');
    const socket = this.around.open();
    this.socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify(this.around.hello()));
      // A proxy may open the line and carry nothing.
      this.watch();
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(String(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code);
    };
    // Or never open it, and never say no either.
    this.watch();
  }

  private receive(text: string): void {
    let frame: FromServer;
    try {
      frame = JSON.parse(text) as FromServer;
    } catch {
      return;
    }
    if (frame.type === 'ready' || frame.type === 'resync') {
      this.live = true;
      this.attempt = 0;
      this.polled = false;
      this.around.cancel(this.polling);
      this.around.link('live');
    }
    this.beat();
    if (frame.type !== 'pong') this.around.frame(frame);
  }

  private lost(code: number): void {
    this.drop();
    if (!this.wanted) return;
    if (FINAL.includes(code)) {
      this.wanted = false;
      this.around.link('off');
      this.around.closed(code);
      return;
    }
    if (!this.polled) this.around.link('broken');
    const wait = code === 4429 ? 60_000 : backoff(this.attempt, this.around.random);
    this.attempt += 1;
    if (this.attempt === BLOCKED) this.poll();
    this.timer = this.around.later(() => this.connect(), wait);
  }

  /** The socket is gone for us, whatever it still does. */
  private drop(): void {
    const { socket } = this;
    this.socket = undefined;
    this.live = false;
    this.around.cancel(this.heart);
    socket?.close();
  }

  private poll(): void {
    this.around.cancel(this.polling);
    this.polling = this.around.later(() => {
      void this.around.poll().then((answered) => {
        if (!this.wanted || this.live) return;
        if (answered !== this.polled) this.around.link(answered ? 'polled' : 'broken');
        this.polled = answered;
        this.poll();
      });
    }, POLL_EVERY);
  }

  private beat(): void {
    this.around.cancel(this.heart);
    this.heart = this.around.later(() => {
      this.send({ type: 'ping' });
      this.watch();
    }, PING_EVERY);
  }

  /** Silence means that the line is dead although nobody told us. */
  private watch(): void {
    this.around.cancel(this.heart);
    this.heart = this.around.later(() => this.lost(0), PONG_WITHIN);
  }
}
