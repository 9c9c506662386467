// A PostgreSQL of our own that can go away and come back on the same port with the same data.
import { folder, freePort, server } from './process.mjs'

export async function postgres() {
  const dir = folder('postgres')
  const port = String(await freePort())
  let running
  const db = {
    async start() {
      running = await server('pg.sh', [dir, port])
      db.url = running.url
    },
    async stop() {
      await running?.stop()
      running = undefined
    },
  }
  await db.start()
  return db
}
