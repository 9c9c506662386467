// One way to the server: JSON over fetch, every failure an ApiError with the server's stable code.
// A request that never reached the server has the code `network`, so callers can tell
// "refused" from "unknown" and keep what the agent wrote.
import type { Problem } from './types';

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
  }
}

export interface CallOptions {
  body?: unknown;
  query?: Record<string, string | number | undefined | null>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Called when the server says that the session is over. */
export function onSignedOut(listener: Listener): void {
  signedOut.add(listener);
}

function address(path: string, query: CallOptions['query']): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

async function problemOf(response: Response): Promise<Problem> {
  const plain: Problem = {
    type: 'about:blank',
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    code: `http.${response.status}`,
  };
  try {
    const found = (await response.json()) as Partial<Problem>;
    const retry = Number(response.headers.get('retry-after'));
    return { ...plain, ...(retry > 0 ? { retry_after: retry } : {}), ...found } as Problem;
  } catch {
    return plain;
  }
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const form = options.body instanceof FormData;
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(options.body !== undefined && !form ? { 'content-type': 'application/json' } : {}),
      ...options.headers,
    },
  };
  if (options.signal) init.signal = options.signal;
  if (form) init.body = options.body as FormData;
  else if (options.body !== undefined) init.body = JSON.stringify(options.body);

  let response: Response;
  try {
    response = await fetch(address(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({ type: 'about:blank', title: 'No connection', status: 0, code: 'network' });
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && path !== '/api/session') signedOut.forEach((tell) => tell());
    throw new ApiError(problem);
  }
  if (response.status === 204 || response.headers.get('content-length') === '0') {
    return undefined as T;
  }
  return (await response.json()) as T;
}
