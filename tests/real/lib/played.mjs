// A platform that the binary plays (`balie fake`): killed as a machine that fails kills, and started again on its world and port.
import { join } from 'node:path'
import { binary } from './balie.mjs'
import { folder, freePort, ready } from './process.mjs'

export async function played(channel) {
  const args = ['fake', channel, '--listen', `127.0.0.1:${await freePort()}`, '--keep', join(folder(channel), 'world.json')]
  const start = () => ready(binary(), args)
  let net = await start()
  return {
    get url() { return net.url },
    get accounts() { return net.accounts },
    /** It is gone in the middle of whatever it did. */
    halt: () => net.stop('SIGKILL'),
    /** It is there again, with everything that anybody was ever told. */
    resume: async () => { net = await start() },
    stop: () => net.stop(),
  }
}
