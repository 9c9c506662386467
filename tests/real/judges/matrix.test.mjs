// Our Matrix homeserver, judged by matrix-nio, which first proves itself on Synapse.
import { describe, it } from 'node:test'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fake, judge } from './judge.mjs'
import { matrix } from '../lib/matrix.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const nio = (t, url, { brand, customer }) =>
  judge(t, join(here, '../.venv-matrix/bin/python'), [join(here, 'matrix_judge.py'), url, `${brand.user_id}:${brand.password}`, `${customer.user_id}:${customer.password}`])

describe('matrix-nio', { timeout: 180_000 }, () => {
  it('is content with Synapse', async (t) => {
    const net = await matrix()
    await nio(t, net.url, net.net.accounts)
    await net.stop()
  })
  it('is content with our fake', async (t) => {
    const net = await fake('matrix')
    await nio(t, net.url, net.accounts)
    await net.stop()
  })
})
