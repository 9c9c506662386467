import { beforeEach, expect, it } from 'vitest';
import type { LogLine, Team, User } from '../api/types';
import { directory } from '../app/directory.svelte';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import { logWords } from './log';

beforeEach(() => {
  language.texts = en;
  directory.clear();
  directory.users.set('u', { id: 'u', name: 'Sanne' } as User);
  directory.teams.set('t', { id: 't', name: 'Service' } as Team);
});
const words = (data: object): string => logWords({ at: 0, user_id: 'u', data } as unknown as LogLine);

it('a reason is read in words, with what was said about it', () => {
  expect(words({ action: 'block', reason: 'abuse' })).toBe(`Sanne blocked this person (${en['reason.abuse'] as string})`);
  expect(words({ action: 'block', reason: 'other: third time: enough' })).toBe(`Sanne blocked this person (${en['reason.other'] as string}: third time: enough)`);
  expect(words({ action: 'block', reason: 'said over the API' })).toBe('Sanne blocked this person (said over the API)');
});

it('what was given to a team that is gone was given all the same', () => {
  expect(words({ assignee_id: null, team_id: 't' })).toContain('Service');
  expect(words({ assignee_id: null, team_id: 'gone' })).toContain(en['log.team.gone']);
  expect(words({ assignee_id: null, team_id: null })).not.toContain(en['log.team.gone']);
});
