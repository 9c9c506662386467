// On the real servers of the AT Protocol: PLC, PDS and AppView on loopback.
import { bluesky } from './lib/bluesky.mjs'
import { stories } from './stories.mjs'

stories('a real Bluesky network', bluesky)
