// Where we are, as the address bar says it. Pages are paths; what a page shows of itself (filters) is
// the query, so that everything on screen can be bookmarked and the back button works.
class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  readonly query = $derived(new URLSearchParams(this.search));
  readonly parts = $derived(this.path.split('/').filter(Boolean).map(decodeURIComponent));
  /** How many steps of history are ours, so that "back" never leaves the page by surprise. */
  depth = 0;

  start(): void {
    addEventListener('popstate', () => {
      this.depth = Math.max(0, this.depth - 1);
      this.read();
    });
    addEventListener('click', (event) => this.follow(event));
  }

  go(to: string, { replace = false } = {}): void {
    const target = new URL(to, location.origin);
    if (target.pathname === location.pathname && target.search === location.search) return;
    if (replace) history.replaceState(null, '', to);
    else {
      history.pushState(null, '', to);
      this.depth += 1;
    }
    this.read();
  }

  back(fallback: string): void {
    if (this.depth > 0) history.back();
    else this.go(fallback, { replace: true });
  }

  private read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }

  /** Plain clicks on our own links stay in the page. */
  private follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return;
    if (link.hasAttribute('download') || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
