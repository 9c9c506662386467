// What crosses the line between a visitor and the server. The contract is docs/WEBCHAT.md.
import type { Page } from '../shared/protocol';

export type Status = 'none' | 'open' | 'closed';

export interface Field {
  key: string;
  kind: 'text' | 'email' | 'phone' | 'choice' | 'lines';
  label: string | null;
  required: boolean;
  options: string[];
}

export interface TriggerRule {
  id: string;
  after_seconds: number | null;
  /** A path where `*` stands for anything. */
  page: string | null;
  event: string | null;
  text: string;
}

export interface Config {
  account: string;
  name: string;
  language: string;
  open: boolean;
  opens_at: number | null;
  agents_online: boolean;
  expected_wait: 'minutes' | 'hours' | 'day' | null;
  texts: { title: string | null; greeting: string | null; away: string | null; consent: string | null };
  color: string | null;
  side: 'left' | 'right' | null;
  quick_replies: string[];
  prechat: Field[];
  when_closed: 'form' | 'chat';
  identity: 'off' | 'optional' | 'required';
  rating: boolean;
  transcript: { download: boolean; mail: boolean };
  files: { max: number; max_bytes: number; mimes: string[] } | null;
  text_max: number;
  triggers: TriggerRule[];
}

export interface Enclosed {
  id: string;
  kind: string;
  name: string | null;
  mime: string | null;
  size: number | null;
  width: number | null;
  height: number | null;
  alt: string | null;
  url: string | null;
  state: string;
}

export interface Message {
  id: string;
  seq: number;
  from: 'visitor' | 'agent';
  name: string | null;
  avatar_url: string | null;
  text: string;
  quick_replies: string[];
  at: number;
  edited: boolean;
  removed: boolean;
  client_id: string | null;
  /** The visitor's message was answered or looked at. */
  seen: boolean;
  files: Enclosed[];
}

export interface Visitor {
  id: string;
  name: string | null;
  email: string | null;
  verified: boolean;
  identified: boolean;
}

export interface Session {
  token: string;
  visitor: Visitor;
  status: Status;
  seq: number;
  messages: Message[];
  more: boolean;
  config: Config;
  switched?: boolean;
}

export interface Batch {
  messages: Message[];
  seq: number;
  more: boolean;
  status: Status;
}

export interface Uploaded {
  id: string;
  name: string;
  mime: string;
  size: number;
}

export interface NewMessage {
  client_id: string;
  text: string;
  files: string[];
  page?: Page;
  fields?: Record<string, string>;
  trigger?: string;
  quick_reply?: boolean;
  /** The trap for machines, filled in. */
  website?: string;
}

export type FromServer =
  | { type: 'ready'; seq: number; status: Status; open: boolean; agents_online: boolean }
  | { type: 'resync'; seq: number }
  | { type: 'message'; seq: number; data: Message }
  | { type: 'status'; seq: number; status: Status }
  | { type: 'typing'; on: boolean; name: string | null }
  | { type: 'seen'; up_to: string }
  | { type: 'presence'; open: boolean; agents_online: boolean }
  | { type: 'error'; code: string; message: string }
  | { type: 'pong' };

export type FromVisitor =
  | { type: 'hello'; token: string; last_seq: number | null; page: Page }
  | { type: 'ping' }
  | { type: 'typing'; on: boolean }
  | { type: 'read'; up_to: string }
  | { type: 'ack'; seq: number }
  | { type: 'page'; url: string; title: string };
