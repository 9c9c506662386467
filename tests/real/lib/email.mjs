// A real mail system (Dovecot and Exim), and its customers, whose mail program is Python's smtplib and imaplib.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { wire } from './chaos.mjs'
import { folder, server, track } from './process.mjs'
import { until } from './wait.mjs'

const here = dirname(fileURLToPath(import.meta.url))

/** Somebody at a mail program: one command after the other. */
function program(net) {
  const child = spawn('python3', [join(here, 'mailbox.py'), net.host, net.imap_port, net.smtp_port, net.ca_file].map(String), {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const kept = track(child)
  const waiting = []
  const lines = createInterface({ input: child.stdout })
  const first = new Promise((ok) => lines.once('line', ok))
  first.then(() =>
    lines.on('line', (line) => {
      const { ok, no } = waiting.shift()
      const answer = JSON.parse(line)
      answer.error ? no(new Error(answer.error)) : ok(answer.ok)
    }),
  )
  return {
    async run(command) {
      await first
      return new Promise((ok, no) => {
        waiting.push({ ok, no })
        child.stdin.write(`${JSON.stringify(command)}\n`)
      })
    },
    stop: kept.stop,
  }
}

/** @param {{ oauth?: string }} options `oauth`: who vouches for tokens */
export async function email({ oauth } = {}) {
  const dir = folder('mail')
  const options = { env: oauth ? { MAIL_OAUTH: oauth } : {} }
  let net = await server('mail.sh', [dir], options)
  const imap = await wire(`http://127.0.0.1:${net.imaps_port}`)
  const smtp = await wire(`http://127.0.0.1:${net.smtps_port}`)
  const lines = [imap, smtp]
  const people = program(net)
  const brand = net.accounts.brand
  const who = (account) => ({ user: account.user, password: account.password })
  const both = (what) => async (...args) => { await Promise.all(lines.map((line) => line[what](...args))) }

  const names = ['customer', 'customer2']
  let count = 0
  /** Somebody who has not been here before, twice; then the same two again. */
  async function customer() {
    const account = net.accounts[names[count++ % names.length]]
    const me = who(account)
    const send = async (command) => ({ ...(await people.run({ do: 'send', ...me, to: brand.address, ...command })), text: command.text, subject: command.subject })
    const inbox = () => people.run({ do: 'list', ...me })
    const answersTo = async (to) => (await inbox()).filter((mail) => mail.from.includes(brand.address) && mail.in_reply_to === to.id)
    return {
      name: account.address,
      handle: account.address,
      send,
      inbox,
      mention: (text, more = {}) => send({ subject: `Vraag ${text.slice(-9)}`, text, ...more }),
      message: (text) => send({ subject: 'Vraag', text }),
      /** As mail programs answer: the subject with Re:, the answered mail below. */
      answer: (to, text, more = {}) =>
        send({
          subject: `Re: ${(to.subject ?? '').replace(/^Re: /, '')}`,
          text: `${text}\n\nOp 2 mrt 2026 om 10:14 schreef Merk <${brand.address}>:\n${(to.text ?? '').split('\n').map((l) => `> ${l}`).join('\n')}\n`,
          in_reply_to: to.id,
          references: [...(to.references ?? []), to.id].filter((id, at, all) => all.indexOf(id) === at),
          ...more,
        }),
      answersTo,
      seesAnswer: (to, text, within = 30_000) =>
        until(`${account.address} sees the answer "${text}"`, async () => (await answersTo(to)).find((a) => a.text.includes(text)), { within, every: 200, state: inbox }),
      raw: (bytes) => people.run({ do: 'raw', ...me, to: brand.address, raw: Buffer.from(bytes).toString('base64') }),
    }
  }

  return {
    key: 'email',
    lane: 'private',
    removes: false,
    // Between the last byte and the answer nobody can know whether a mail left.
    parks: true,
    get net() { return net },
    dir,
    customer,
    /** The brand's colleague, who works in the same mailbox with a mail program of her own. */
    colleague: {
      inbox: () => people.run({ do: 'list', ...who(brand) }),
      sent: () => people.run({ do: 'list', ...who(brand), folder: 'Sent' }),
      /** Writes from her own program, which files the copy itself. */
      async answer(to, from, text) {
        const mail = { ...who(brand), to: from, subject: `Re: ${to.subject}`, text, in_reply_to: to.id, references: to.references }
        const { id } = await people.run({ do: 'send', ...mail })
        return people.run({ do: 'append', ...mail, folder: 'Sent', id })
      },
    },
    /** What of ours with that word is filed, as sent and not as a draft. */
    copies: async (word) => (await people.run({ do: 'list', ...who(brand), folder: 'Sent' })).filter((m) => m.text.includes(word) && !m.flags.includes('\\Draft')),
    settings: {
      address: brand.address,
      name: 'Merk',
      imap_host: '127.0.0.1',
      imap_port: String(imap.port),
      smtp_host: '127.0.0.1',
      smtp_port: String(smtp.port),
      certificate: readFileSync(net.ca_file, 'utf8'),
      password: brand.password,
    },
    secret: 'password',
    line: { cut: both('cut'), blackhole: both('blackhole'), half: both('half'), calm: both('calm') },
    imap,
    smtp,
    /** Both servers end and are not there; then they are again, with the same mailboxes, queue and ports. */
    halt: () => net.stop(),
    resume: async () => { net = await server('mail.sh', [dir], options) },
    stop: () => Promise.all([net.stop(), people.stop(), ...lines.map((line) => line.stop())]),
  }
}
