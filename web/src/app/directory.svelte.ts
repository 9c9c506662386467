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

class Directory {
  readonly users = new SvelteMap<Id, User>();
  readonly teams = new SvelteMap<Id, Team>();
  readonly tags = new SvelteMap<Id, Tag>();
  readonly accounts = new SvelteMap<Id, Account>();
  readonly channels = new SvelteMap<string, Channel>();
  loaded = $state(false);

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

  async load(): Promise<void> {
    const [users, teams, tags, accounts, channels] = await Promise.all([
      calls.users().catch(() => []),
      calls.teams().catch(() => []),
      calls.tags().catch(() => []),
      accountCalls.list().catch(() => []),
      calls.channels().catch(() => []),
    ]);
    replace(this.users, users);
    replace(this.teams, teams);
    replace(this.tags, tags);
    replace(this.accounts, accounts);
    for (const channel of channels) this.channels.set(channel.key, channel);
    this.loaded = true;
  }

  /** An event about one of these lists; what it does not carry is fetched again. */
  apply(event: LiveEvent): void {
    if (event.kind === 'account.changed') {
      if (event.account) this.accounts.set(event.account.id, event.account);
      else void accountCalls.list().then((items) => replace(this.accounts, items), () => undefined);
    } else if (event.kind === 'tag.changed') {
      void calls.tags().then((items) => replace(this.tags, items), () => undefined);
    } else if (event.kind === 'user.changed') {
      void calls.users().then((items) => replace(this.users, items), () => undefined);
    } else if (event.kind === 'team.changed') {
      void calls.teams().then((items) => replace(this.teams, items), () => undefined);
    }
  }

  nameOf(user: Id | null | undefined): string {
    return (user && this.users.get(user)?.name) || '';
  }

  clear(): void {
    for (const map of [this.users, this.teams, this.tags, this.accounts]) map.clear();
    this.loaded = false;
  }
}

export const directory = new Directory();
