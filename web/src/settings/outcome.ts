// What came of connecting in the browser, as the server tells it on the way back: in the address that it worked or failed, and
// why in a cookie of its own, because words in an address could be anybody's. Pure but for `forget`.
import type { Id, Problem } from '../api/types';

const COOKIE = 'balie_told';

export type Outcome = { connected: Id } | { failed: Problem } | null;

function told(cookies: string): Partial<Problem> {
  const value = cookies
    .split('; ')
    .find((one) => one.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1);
  if (!value) return {};
  try {
    const bytes = Uint8Array.from(atob(value.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Partial<Problem>;
  } catch {
    return {};
  }
}

export function outcome(query: URLSearchParams, cookies: string): Outcome {
  const connected = query.get('connected');
  if (connected) return { connected };
  const code = query.get('failed');
  if (!code) return null;
  const problem = told(cookies);
  const plain = { type: 'about:blank', title: code, status: 422, code };
  return { failed: problem.code === code ? ({ ...plain, ...problem } as Problem) : plain };
}

/** It is told once. */
export function forget(): void {
  document.cookie = `${COOKIE}=; Path=/settings; Max-Age=0; SameSite=Lax`;
}
