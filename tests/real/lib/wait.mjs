// Waiting for what must become true: bounded, by looking again, never by sleeping and hoping.

/**
 * Looks with `look` until it gives something other than undefined, null or false, and gives that.
 * @param {string} what said in the error when it never happens
 * @param {() => any} look may be async; an error counts as "not yet" and is told at the end,
 * unless it says `fatal`
 */
export async function until(what, look, { within = 20_000, every = 50, state } = {}) {
  const end = Date.now() + within
  let trouble
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== null && seen !== false) return seen
      trouble = undefined
    } catch (e) {
      if (e.fatal) throw e
      trouble = e
    }
    if (Date.now() > end) {
      const last = state ? `\nlast seen: ${JSON.stringify(await state(), null, 1)?.slice(0, 4000)}` : ''
      throw new Error(`not within ${within / 1000} s: ${what}${trouble ? `\nbecause: ${trouble.message}` : ''}${last}`)
    }
    await new Promise((ok) => setTimeout(ok, every))
  }
}
