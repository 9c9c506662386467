// How a client that others wrote judges one of our fakes.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { binary } from '../lib/balie.mjs'
import { ready } from '../lib/process.mjs'

/** Starts our fake of a channel; gives the line it prints. */
export const fake = (key) => ready(binary(), ['fake', key, '--listen', '127.0.0.1:0'])

/** Runs a judge; each line it says becomes a test. */
export async function judge(t, command, args) {
  const [out, code] = await new Promise((ok) =>
    execFile(command, args, { timeout: 120_000 }, (e, stdout, stderr) => ok([stdout + (e ? stderr : ''), e ? (e.code ?? 1) : 0])))
  const lines = out.split('\n').filter((l) => /^(not )?ok /.test(l))
  for (const line of lines) {
    await t.test(line.replace(/^(not )?ok /, '').split(':')[0], () => assert.ok(line.startsWith('ok '), line))
  }
  assert.ok(lines.length > 5 && (code === 0 || lines.some((l) => l.startsWith('not'))), `the judge broke down:\n${out}`)
}
