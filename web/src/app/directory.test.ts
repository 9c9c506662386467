import { beforeEach, expect, it, vi } from 'vitest';
import { accounts, directory as calls } from '../api/calls';
import type { Account, LiveEvent, Tag, Team, User } from '../api/types';
import { directory } from './directory.svelte';

const users = vi.spyOn(calls, 'users');
const teams = vi.spyOn(calls, 'teams');

beforeEach(() => {
  directory.clear();
  users.mockReset().mockResolvedValue([{ id: 'u', name: 'Sanne' }] as User[]);
  teams.mockReset().mockResolvedValue([{ id: 't', name: 'Service' }] as Team[]);
  vi.spyOn(calls, 'tags').mockResolvedValue([{ id: 'g', name: 'klacht' }] as Tag[]);
  vi.spyOn(accounts, 'list').mockResolvedValue([{ id: 'a', name: 'Merk' }] as Account[]);
  vi.spyOn(calls, 'channels').mockResolvedValue([]);
});

it('keeps what it has when one list cannot be fetched, and asks again when the server is back', async () => {
  await directory.load();
  users.mockRejectedValueOnce(new Error('away'));
  teams.mockResolvedValueOnce([{ id: 't', name: 'Balie' }] as Team[]);
  await directory.load();
  expect([directory.nameOf('u'), directory.teams.get('t')?.name, directory.accounts.size]).toEqual(['Sanne', 'Balie', 1]);
  users.mockResolvedValueOnce([{ id: 'u', name: 'Sanne de Wit' }] as User[]);
  directory.again();
  await vi.waitFor(() => expect(directory.nameOf('u')).toBe('Sanne de Wit'));
  users.mockClear();
  directory.again();
  expect(users, 'nothing is missing').not.toHaveBeenCalled();
});

it('does not call itself loaded while something is missing', async () => {
  users.mockRejectedValueOnce(new Error('away'));
  await directory.load();
  expect(directory.loaded).toBe(false);
  await directory.load();
  expect(directory.loaded).toBe(true);
});

it('remembers that a change could not be fetched', async () => {
  await directory.load();
  users.mockRejectedValueOnce(new Error('away'));
  directory.apply({ kind: 'user.changed' } as LiveEvent);
  await Promise.resolve();
  await Promise.resolve();
  users.mockResolvedValueOnce([]);
  directory.again();
  await vi.waitFor(() => expect(directory.users.size).toBe(0));
});

it('holds nothing of who has gone, also not what was still on its way', async () => {
  const loading = directory.load();
  directory.clear();
  await loading;
  expect([directory.users.size, directory.loaded]).toEqual([0, false]);
});

it('takes a removed team’s accounts as they are without it', async () => {
  await directory.load();
  vi.spyOn(accounts, 'list').mockResolvedValue([{ id: 'a', name: 'Merk', team_ids: ['u'] }] as unknown as Account[]);
  teams.mockResolvedValue([]);
  directory.apply({ kind: 'team.changed', data: { id: 't', removed: true } } as unknown as LiveEvent);
  await vi.waitFor(() => expect(directory.accounts.get('a')?.team_ids).toEqual(['u']));
  expect(directory.teams.size).toBe(0);
});
