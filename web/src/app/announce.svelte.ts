// What a screen reader is told without focus moving. Polite messages are gathered and spoken at most
// once every three seconds; only the failure of one's own action may interrupt.
const GAP = 3000;

class Announcer {
  polite = $state('');
  urgent = $state('');
  private waiting: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = 0;

  say(text: string): void {
    if (!this.waiting.includes(text)) this.waiting.push(text);
    if (this.timer) return;
    const delay = Math.max(150, this.last + GAP - Date.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.last = Date.now();
      const text = this.waiting.slice(-3).join(' ');
      this.waiting = [];
      // The same news twice is news twice; only a change is read out.
      this.polite = '';
      queueMicrotask(() => (this.polite = text));
    }, delay);
  }

  interrupt(text: string): void {
    this.urgent = '';
    queueMicrotask(() => (this.urgent = text));
  }
}

export const announcer = new Announcer();
