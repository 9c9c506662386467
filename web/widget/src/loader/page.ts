// Where the visitor is, and when that changes without a new page being loaded.
import type { Page } from '../shared/protocol';

export function pageOf(location: { href: string }, title: string, referrer: string): Page {
  const url = new URL(location.href);
  return { url: bare(url), title: title.slice(0, 300), referrer: referrer && bare(new URL(referrer)) };
}

function bare(url: URL): string {
  return (url.origin === 'null' ? '' : url.origin + url.pathname).slice(0, 2000);
}

interface Navigated {
  navigation?: EventTarget;
}

/** Calls back after every change of the address. We do not patch `history`: it belongs to the site, and others patch it too. */
export function watch(win: Window & Navigated, changed: () => void): () => void {
  let last = win.location.href;
  const look = (): void => {
    if (win.location.href === last) return;
    last = win.location.href;
    // The title follows the address a moment later in most routers.
    win.setTimeout(changed, 50);
  };
  const target: EventTarget = win.navigation ?? win;
  const name = win.navigation ? 'currententrychange' : 'popstate';
  target.addEventListener(name, look);
  const timer = win.navigation ? undefined : win.setInterval(look, 1000);
  return () => {
    target.removeEventListener(name, look);
    win.clearInterval(timer);
  };
}
