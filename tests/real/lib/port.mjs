// Ports for servers of our own.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below those that the system hands out by itself (32768 and up): a server that ends and comes back finds its port as it left it,
// whatever connections were made meanwhile. Each process begins somewhere else.
let next = randomInt(15_000, 30_000)

export async function freePort() {
  for (;;) {
    const port = next
    next = next < 30_000 ? next + 1 : 15_000
    const free = await new Promise((ok) => {
      const server = createServer().once('error', () => ok(false))
      server.listen(port, '127.0.0.1', () => server.close(() => ok(true)))
    })
    if (free) return port
  }
}
