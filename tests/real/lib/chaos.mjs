// The wire between Balie and a network, and what can go wrong on it.
import { server } from './process.mjs'

const address = (url) => `127.0.0.1:${new URL(url).port}`

/** A proxy before a server on loopback, which may be told later; `port` is where Balie should go instead. */
export async function wire(url) {
  const proxy = await server('chaos-proxy.mjs', [url ? address(url) : '-'])
  const control = async (body) => {
    const res = await fetch(proxy.control, { method: 'POST', body: JSON.stringify(body) })
    if (!res.ok) throw new Error(await res.text())
    return res.json()
  }
  return {
    port: proxy.port,
    leadTo: (to) => control({ target: address(to) }),
    /** The platform is gone: connections are reset, also the open ones. */
    cut: () => control({ refuse: true, drop_all: true }),
    /** Connections stay open and nothing passes: the kind of outage that only a time limit ends. */
    blackhole: () => control({ blackhole: true }),
    /** The first bytes of each answer arrive, then the connection is reset: half a page, or a reply whose outcome is not known. */
    half: (bytes) => control({ cut_after: bytes, drop_all: true }),
    slow: (latency_ms) => control({ latency_ms }),
    calm: () => control({ reset: true, drop_all: true }),
    state: () => fetch(proxy.control).then((r) => r.json()),
    stop: proxy.stop,
  }
}
