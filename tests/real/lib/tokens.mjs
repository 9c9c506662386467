// Whoever signs people in, as strict as the large providers: PKCE, short tokens, refresh tokens that work once. The mail servers
// ask it whose token it is (RFC 7662).
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { freePort } from './process.mjs'

/** @param {string} who the mailbox that everybody who comes signs in as */
export async function tokens(who, { seconds = 20 } = {}) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const codes = new Map(), access = new Map(), refresh = new Set()
  const seen = { refreshed: 0, refused: 0 }
  const grant = () => {
    const token = randomUUID(), next = randomUUID()
    access.set(token, Date.now() + seconds * 1000)
    refresh.add(next)
    return { access_token: token, token_type: 'Bearer', expires_in: seconds, refresh_token: next }
  }
  const http = createServer(async (req, res) => {
    const at = new URL(req.url, url)
    let body = ''
    for await (const chunk of req) body += chunk
    const form = new URLSearchParams(body)
    const say = (status, json) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end(JSON.stringify(json)) }
    if (at.pathname === '/authorize') {
      const code = randomUUID(), q = at.searchParams
      codes.set(code, { challenge: q.get('code_challenge'), redirect: q.get('redirect_uri') })
      const back = new URL(q.get('redirect_uri'))
      back.searchParams.set('code', code)
      back.searchParams.set('state', q.get('state'))
      res.writeHead(303, { location: back.href }).end()
    } else if (at.pathname === '/token' && form.get('grant_type') === 'authorization_code') {
      const kept = codes.get(form.get('code'))
      codes.delete(form.get('code'))
      const proof = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url')
      kept?.challenge === proof && form.get('client_secret') === 'inbox-secret' ? say(200, grant()) : say(400, { error: 'invalid_grant' })
    } else if (at.pathname === '/token') {
      if (refresh.delete(form.get('refresh_token'))) { seen.refreshed++; say(200, grant()) }
      else { seen.refused++; say(400, { error: 'invalid_grant' }) }
    } else if (at.pathname === '/introspect') {
      const until = access.get(form.get('token'))
      say(200, until > Date.now() ? { active: true, sub: who, scope: 'mail' } : { active: false })
    } else say(404, {})
  })
  await new Promise((ok) => http.listen(port, '127.0.0.1', ok))
  return {
    url, seen,
    introspection: `http://inbox:inbox-secret@127.0.0.1:${port}/introspect`,
    stop: () => new Promise((ok) => { http.closeAllConnections(); http.close(ok) }),
  }
}
