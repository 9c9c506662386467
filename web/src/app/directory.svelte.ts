// The small lists that rows point into by id: people, teams, tags, accounts, channels. Loaded once after
// sign-in, kept current by events.
import { SvelteMap } from 'svelte/reactivity';
import { accounts as accountCalls, directory as calls } from '../api/calls';
import type { Account, Channel, Id, LiveEvent, Tag, Team, User } from '../api/types';

function replace<T extends { id: Id }>(map: SvelteMap<Id, T>, items: T[]): void {
  const keep = new Set(items.map((item) => item.id));
  for (const id of [...map.keys()]) if (!keep.has(id)) map.delete(id);
  for (const item of items) map.set(item.id, item);
}

/** The team that is no more; what was granted to it and was its own is without it. */
export function removedTeam(event: LiveEvent): Id | null {
  if (event.kind !== 'team.changed') return null;
  const { id, removed } = (event.data ?? {}) as { id?: Id; removed?: boolean };
  return removed ? (id ?? null) : null;
}

class Directory {
  readonly users = new SvelteMap<Id, User>();
  readonly teams = new SvelteMap<Id, Team>();
  readonly tags = new SvelteMap<Id, Tag>();
  readonly accounts = new SvelteMap<Id, Account>();
  readonly channels = new SvelteMap<string, Channel>();
  loaded = $state(false);
  /** Something could not be fetched, and stands as it was. */
  private missing = false;
  private round = 0;

  readonly people = $derived(
    [...this.users.values()].filter((user) => user.enabled).sort((a, b) => a.name.localeCompare(b.name)),
  );
  readonly groups = $derived([...this.teams.values()].sort((a, b) => a.name.localeCompare(b.name)));
  readonly labels = $derived(
    [...this.tags.values()].filter((tag) => !tag.archived).sort((a, b) => a.name.localeCompare(b.name)),
  );
  readonly sick = $derived(
    [...this.accounts.values()].filter(
      (account) => account.enabled && (account.health.state === 'down' || account.health.state === 'degraded'),
    ),
  );

  /** What cannot be fetched stays what it was. */
  async load(): Promise<void> {
    const round = ++this.round;
    this.missing = false;
    await Promise.all([
      this.fetch(calls.users(), (items) => replace(this.users, items), round),
      this.fetch(calls.teams(), (items) => replace(this.teams, items), round),
      this.fetch(calls.tags(), (items) => replace(this.tags, items), round),
      this.fetch(accountCalls.list(), (items) => replace(this.accounts, items), round),
      this.fetch(calls.channels(), (items) => items.forEach((channel) => this.channels.set(channel.key, channel)), round),
    ]);
    if (round === this.round && !this.missing) this.loaded = true;
  }

  /** The server is there again: what could not be fetched is asked for once more. */
  again(): void {
    if (this.missing) void this.load();
  }

  /** An event about one of these lists; what it does not carry is fetched again. */
  apply(event: LiveEvent): void {
    const { round } = this;
    if (event.kind === 'account.changed') {
      if (event.account) this.accounts.set(event.account.id, event.account);
      else void this.fetch(accountCalls.list(), (items) => replace(this.accounts, items), round);
    } else if (event.kind === 'tag.changed') {
      void this.fetch(calls.tags(), (items) => replace(this.tags, items), round);
    } else if (event.kind === 'user.changed') {
      void this.fetch(calls.users(), (items) => replace(this.users, items), round);
    } else if (event.kind === 'team.changed') {
      void this.fetch(calls.teams(), (items) => replace(this.teams, items), round);
      if (removedTeam(event)) void this.fetch(accountCalls.list(), (items) => replace(this.accounts, items), round);
    }
  }

  nameOf(user: Id | null | undefined): string {
    return (user && this.users.get(user)?.name) || '';
  }

  clear(): void {
    for (const map of [this.users, this.teams, this.tags, this.accounts]) map.clear();
    this.loaded = false;
    this.missing = false;
    this.round += 1;
  }

  private async fetch<T>(asked: Promise<T>, take: (found: T) => void, round: number): Promise<void> {
    try {
      const found = await asked;
      if (round === this.round) take(found);
    } catch {
      if (round === this.round) this.missing = true;
    }
  }
}

export const directory = new Directory();
