import { beforeEach, describe, expect, it } from 'vitest';
import type { Message, Thread } from '../api/types';
import { OpenConversation } from './conversation.svelte';
import { Destination } from './destination.svelte';

const allowance = { may_reply: true, visibilities: [], default_visibility: null, hand_off: null } as unknown as Thread['allowance'];
const post = { id: 'post', lane: 'public', here: true, allowance: { ...allowance, visibilities: ['public', 'direct'], default_visibility: 'public' } } as unknown as Thread;
const dm = { id: 'dm', lane: 'private', here: true, allowance } as unknown as Thread;
const said = (id: string, thread_id: string, sent_at: number, removed_at: number | null = null): Message =>
  ({ id, thread_id, sent_at, direction: 'in', removed_at }) as unknown as Message;

let conversation: OpenConversation;
let place: Destination;

beforeEach(() => {
  conversation = new OpenConversation('c');
  conversation.threads = [post, dm];
  conversation.merge([said('m1', 'dm', 1)]);
  place = new Destination(conversation);
});

describe('where an answer goes', () => {
  it('is where the customer spoke last, and answers what was said there last', () => {
    expect([place.thread?.id, place.lane, place.answering?.id]).toEqual(['dm', 'private', 'm1']);
    conversation.merge([said('m2', 'post', 2), said('m3', 'post', 3, 4)]);
    expect([place.thread?.id, place.lane, place.visibility]).toEqual(['post', 'public', 'public']);
    expect(place.answering?.id, 'not what was taken away').toBe('m2');
  });

  it('stays where it was begun, tells of news elsewhere, and is free again when nothing is written', () => {
    place.pin(true);
    conversation.merge([said('m2', 'post', 2)]);
    place.pin(true);
    expect([place.thread?.id, place.elsewhere?.id]).toEqual(['dm', 'post']);
    expect(place.kept).toEqual({ thread_id: 'dm', seen: 'm1', visibility: null });
    place.pin(false);
    expect([place.thread?.id, place.elsewhere]).toEqual(['post', null]);
  });

  it('is where somebody chooses', () => {
    place.pin(true);
    place.choose('post', 'direct');
    expect([place.thread?.id, place.visibility, place.lane]).toEqual(['post', 'direct', 'private']);
  });

  it('is not a thread that went on elsewhere, unless the words were begun there', () => {
    conversation.threads = [post, { ...dm, here: false }];
    expect(place.thread?.id).toBe('post');
    place.pinTo('dm', null, 'm1');
    expect(place.thread?.id).toBe('dm');
  });

  it('has another lane: another thread, else the same one privately where the channel can', () => {
    expect(place.otherLane()).toEqual({ thread: 'post', visibility: null });
    conversation.threads = [post];
    expect(place.otherLane()).toEqual({ thread: 'post', visibility: 'direct' });
    place.choose('post', 'direct');
    expect(place.otherLane()).toEqual({ thread: 'post', visibility: null });
    conversation.threads = [dm];
    expect(place.otherLane()).toBeNull();
  });

  it('is another place when nothing can be said here', () => {
    const hand_off = { url: 'https://there.example', words: { nl: 'Antwoord daar.', en: 'Answer there.' } };
    expect(place.handOff).toBeNull();
    conversation.threads = [{ ...dm, allowance: { ...allowance, may_reply: false, hand_off } }];
    expect(place.handOff).toEqual(hand_off);
  });
});
