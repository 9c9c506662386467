// Credentials that end by themselves, warned of in time to do something about it. Pure.
import type { Account } from '../api/types';

const WARN = 14 * 24 * 3600_000;

/** `ended`: it works no longer. `soon`: within a fortnight. */
export function expiry(account: Pick<Account, 'enabled' | 'expires_at'>, now: number): 'ended' | 'soon' | null {
  if (!account.enabled || account.expires_at == null) return null;
  if (account.expires_at <= now) return 'ended';
  return account.expires_at - now < WARN ? 'soon' : null;
}
