// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { en } from '../i18n/en';
import { language } from '../i18n/i18n.svelte';
import type { Suggestion } from '../api/types';
import { certain, evidenceWords } from './evidence';

const suggestion = (verified: boolean): Suggestion => ({
  contact: { id: 'c', name: 'Noor', identities: [], links: [] },
  kind: 'email',
  value: 'noor@example.org',
  verified,
});

describe('who may be the same person', () => {
  beforeEach(() => {
    language.texts = en;
  });

  it('names the evidence, and says so when somebody only typed it', () => {
    expect(evidenceWords(suggestion(true))).toContain('noor@example.org');
    expect(evidenceWords(suggestion(false)).length).toBeGreaterThan(evidenceWords(suggestion(true)).length);
  });

  it('is linked at once only when there is one, vouched for on both sides', () => {
    expect(certain([suggestion(true)])?.contact.name).toBe('Noor');
    expect(certain([suggestion(false)])).toBeNull();
    expect(certain([suggestion(true), suggestion(true)])).toBeNull();
    expect(certain([])).toBeNull();
  });
});
