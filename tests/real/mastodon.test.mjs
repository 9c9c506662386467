// On a stand-in for a Mastodon server that we did not write.
import { mastodon } from './lib/mastodon.mjs'
import { stories } from './stories.mjs'

stories('the Mastodon stand-in', mastodon)
