// What the chat needs of the browser, so that a test can play it.
import type { ToLoader } from '../shared/protocol';
import type { Api } from './api';
import type { Kept } from './kept';

/** What stands below the conversation. */
export type Mode = 'compose' | 'prechat' | 'offline' | 'mail' | 'end' | 'identity' | 'blocked';

export interface Around {
  api: Api;
  kept: Kept;
  socket(): WebSocket;
  now(): number;
  random(): number;
  uuid(): string;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
  /** The page with the chat is in sight. */
  visible(): boolean;
  online(): boolean;
  tell<K extends keyof ToLoader>(type: K, data: ToLoader[K]): void;
  changed(): void;
  sound(): void;
  /** Black or white, whichever reads better on this colour; null when it is no colour. */
  ink(color: string): string | null;
}
