// The shapes that cross the wire, named for the page. All come from the server's own description
// (schema.ts, written by `make types`); nothing here may say more than that description says.
import type { components } from './schema';

type Schemas = components['schemas'];

/**
 * The description marks whatever may be null as optional too. The server always sends the field, so here
 * it is required and may be null. A free-form object stays free-form.
 */
type Sent<T> = T extends readonly (infer One)[]
  ? Sent<One>[]
  : T extends Record<string, never>
    ? Record<string, unknown>
    : T extends object
      ? { [Name in keyof T]-?: Sent<Exclude<T[Name], undefined>> }
      : T;

export type Id = string;
export type Millis = number;
export type Locale = 'nl' | 'en';
export type Role = Schemas['Role'];
export type Lane = Schemas['Lane'];
export type Status = Schemas['Status'];
export type Priority = Schemas['Priority'];
export type MessageAction = Schemas['Action'];
export type Sentence = Schemas['Sentence'];

export type Me = Omit<Sent<Schemas['Me']>, 'locale'> & { locale: Locale };
export type ApiToken = Sent<Schemas['Token']>;
export type MadeToken = Sent<Schemas['MadeToken']>;

export type ConversationRow = Omit<Sent<Schemas['ConversationRow']>, 'last_direction'> & {
  last_direction: Schemas['Direction'];
};
export type ClaimInfo = { user_id: Id; until: Millis; token?: number | null };
export type Why = Sent<Schemas['Why']>;
export type HandOff = Sent<Schemas['HandOff']>;
/** A call on the telephone, as it is written down. */
export type NewCall = Schemas['NewCall'];
export type AnsweredElsewhere = Schemas['AnsweredElsewhere'];
export type Attachment = Sent<Schemas['Attachment']>;
export type Delivery = Sent<Schemas['Delivery']>;
/** What a medium put around the words; a part that is not there may be left out. */
export type Extra = Schemas['Extra'];
export type Mailbox = Sent<Schemas['Mailbox']>;
export type Answered = Schemas['Answered'];
export type Reaction = Schemas['Reaction'];
export type Receipt = Schemas['Receipt'];
export type Automatic = Schemas['Automatic'];
export type Message = Omit<Sent<Schemas['Message']>, 'actions' | 'extra'> & { actions: MessageAction[]; extra: Around | null };
type Around = Omit<Extra, 'recipients' | 'addressed'> & {
  recipients?: Sent<Schemas['Recipients']> | null;
  addressed?: Sent<Schemas['Addressed']> | null;
};
export type Allowance = Sent<Schemas['Allowance']>;
export type Thread = Sent<Schemas['Thread']>;
export type Contact = Sent<Schemas['Contact']>;
export type Suggestion = Sent<Schemas['Suggestion']>;
export type Evidence = Schemas['Evidence'];
export type Draft = Sent<Schemas['DraftBody']>;
export type Viewer = Schemas['ViewerHere'];
/** Somebody at the other end of a chat on a site. */
export type VisitorHere = Schemas['VisitorHere'];
export type LogLine = Sent<Schemas['LogLine']>;
export type Counts = Schemas['Counts'];
export type Measure = Sent<Schemas['Measure']>;
export type NextUp = Sent<Schemas['NextUp']>;
export type Upload = Schemas['Uploaded'];
export type Channel = Sent<Schemas['Channel']>;
export type ChannelField = Sent<Schemas['ChannelField']>;
export type Health = Sent<Schemas['Health']>;
export type Account = Sent<Schemas['Account']>;
export type Tried = Sent<Schemas['Tried']>;
export type User = Sent<Schemas['User']>;
export type Team = Schemas['Team'];
export type Tag = Schemas['Tag'];
export type Quarantined = Sent<Schemas['Quarantined']>;
export type Load = Sent<Schemas['Load']>;

export type Conversation = Omit<
  Sent<Schemas['Conversation']>,
  'row' | 'messages' | 'history' | 'claim'
> & {
  row: ConversationRow;
  messages: Message[];
  history: ConversationRow[];
  claim: ClaimInfo | null;
  viewers: Viewer[];
};

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type ReplyBody = Omit<Schemas['NewReply'], 'then'> & {
  then: Exclude<Status, 'snoozed'>;
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  cure?: string | null;
  [extra: string]: unknown;
};

export type LiveEvent = Omit<Schemas['Event'], 'row' | 'message' | 'account'> & {
  row?: ConversationRow;
  message?: Message;
  account?: Account;
};

export type ClientFrame = Schemas['ClientMessage'];

export type ServerFrame =
  | { type: 'ready'; seq: number }
  | { type: 'reset'; seq: number }
  | { type: 'events'; events: LiveEvent[] }
  | { type: 'presence'; conversation_id: Id; viewers: Viewer[] }
  | { type: 'visitor'; conversation_id: Id; visitor: VisitorHere }
  | { type: 'load'; load: Load }
  | { type: 'pong' };
