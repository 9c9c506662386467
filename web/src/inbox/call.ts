// A telephone call while it is being written down: what is known of the caller, what has to be there, and
// the words themselves, kept in this browser until the server has them.
import type { Account, Contact, Id, NewCall } from '../api/types';
import type { Key } from '../i18n/i18n.svelte';
import { session } from '../app/session.svelte';
import type { Attempt } from './attempt';

export interface CallDraft {
  account: Id;
  direction: 'in' | 'out';
  number: string;
  name: string;
  notes: string;
  outcome: string;
  /** What follows: a status, a moment to call back in milliseconds, or `other` for the one in `moment`. */
  after: string;
  /** As the browser's own field for a moment writes it: local time, no zone. */
  moment: string;
  /** What was tried and may have arrived. */
  tried?: Attempt | null;
}

const LONGEST = 366 * 24 * 3600_000;

/** The accounts in which calls can be written down. */
export function telephones(accounts: Iterable<Account>): Account[] {
  return [...accounts].filter((one) => one.enabled && one.calls).sort((a, b) => a.name.localeCompare(b.name));
}

/** The number somebody is known by: one that is vouched for before one that was only typed. */
export function numberOf(contact: Contact | null): string {
  const numbers = (contact?.identities ?? []).flatMap((one) => one.claims).filter((claim) => claim.kind === 'phone');
  return (numbers.find((claim) => claim.verified) ?? numbers[0])?.value ?? '';
}

export function blank(account: Id, contact: Contact | null): CallDraft {
  const number = numberOf(contact);
  // Whoever withheld it or is known by a number alone has no name to fill in.
  const name = contact && contact.name !== number ? contact.name : '';
  return { account, direction: 'in', number, name, notes: '', outcome: '', after: 'closed', moment: '' };
}

/** Whether there are words in it that would be missed. */
export function isWritten(draft: CallDraft): boolean {
  return draft.notes.trim() !== '' || draft.outcome.trim() !== '';
}

/** When they are called back: null when nobody asked for that, NaN when the moment is missing. */
export function callBack(draft: CallDraft): number | null {
  if (draft.after === 'other') return draft.moment === '' ? NaN : new Date(draft.moment).getTime();
  return /^\d+$/.test(draft.after) ? Number(draft.after) : null;
}

/** What is still wrong, by field: a moment is wrong where it was chosen. */
export function wrong(draft: CallDraft, now: number): { notes?: Key; after?: Key; moment?: Key } {
  const at = callBack(draft);
  const field = draft.after === 'other' ? 'moment' : 'after';
  return {
    ...(draft.notes.trim() === '' ? { notes: 'problem.call.empty' as const } : {}),
    ...(at !== null && !(at > now && at <= now + LONGEST) ? { [field]: 'problem.call.call_back_at' as const } : {}),
  };
}

/** A moment as the browser's own field writes it, to the minute. */
export function localMoment(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What was kept, as it can be gone on with: an account may be gone by now, and "in an hour" is a moment by now. */
export function restored(kept: CallDraft, accounts: readonly Account[]): CallDraft {
  const account = accounts.some((one) => one.id === kept.account) ? kept.account : (accounts[0]?.id ?? '');
  if (!/^\d+$/.test(kept.after)) return { ...kept, account };
  return { ...kept, account, after: 'other', moment: localMoment(Number(kept.after)) };
}

export function bodyOf(draft: CallDraft): NewCall {
  const at = callBack(draft);
  const said = (text: string): string | null => text.trim() || null;
  return {
    account_id: draft.account,
    direction: draft.direction,
    number: said(draft.number),
    name: said(draft.name),
    notes: draft.notes.trim(),
    outcome: said(draft.outcome),
    ...(at === null ? { then: draft.after === 'open' || draft.after === 'pending' ? draft.after : 'closed' } : { call_back_at: at }),
  };
}

const place = (): string => `balie.call.${session.id}`;

export const unsaved = {
  read(): CallDraft | null {
    try {
      const text = localStorage.getItem(place());
      return text ? (JSON.parse(text) as CallDraft) : null;
    } catch {
      return null;
    }
  },

  write(draft: CallDraft): void {
    // Whoever has gone leaves nothing behind under nobody's name.
    if (session.id === '') return;
    try {
      if (isWritten(draft)) localStorage.setItem(place(), JSON.stringify(draft));
      else localStorage.removeItem(place());
    } catch {
      // A full or forbidden store: the open dialog is then the only copy.
    }
  },

  clear(): void {
    localStorage.removeItem(place());
  },
};
