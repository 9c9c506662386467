// Short notices at the edge of the page. A notice with a way back stays longer; failures stay until dismissed.
import { announcer } from './announce.svelte';

export interface Toast {
  id: number;
  text: string;
  detail?: string;
  failed: boolean;
  undo?: () => void;
}

const SHORT = 4000;
const WITH_UNDO = 9000;

class Toasts {
  list = $state.raw<Toast[]>([]);
  private count = 0;

  show(text: string, options: { undo?: () => void } = {}): void {
    const toast: Toast = { id: ++this.count, text, failed: false, ...options };
    this.list = [...this.list.slice(-2), toast];
    announcer.say(text);
    setTimeout(() => this.dismiss(toast.id), options.undo ? WITH_UNDO : SHORT);
  }

  fail(text: string, detail?: string): void {
    const toast: Toast = { id: ++this.count, text, failed: true, ...(detail ? { detail } : {}) };
    this.list = [...this.list.slice(-2), toast];
    announcer.interrupt(detail ? `${text} ${detail}` : text);
    setTimeout(() => this.dismiss(toast.id), 15_000);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
