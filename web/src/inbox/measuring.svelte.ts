// How long what is written is, against what fits where it goes. Counted here at once and by the server soon, which knows how the
// platform counts: its word stands until another letter is typed. It judges nothing else about what is written.
import { threads } from '../api/calls';
import type { Id, Measure, Thread } from '../api/types';

/** What is counted. The warning counts too: the reader sees both. */
export interface Words {
  thread: Thread | null;
  text: string;
  /** Empty when there is none. */
  warning: string;
  visibility: string | null;
  answers: Id | null;
}

export interface Size {
  used: number;
  max: number | null;
  over: boolean;
  /** Counted by the server. */
  exact: boolean;
}

const MEASURE_AFTER = 250;

const segments =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

function graphemes(text: string): number {
  if (!segments) return [...text].length;
  let count = 0;
  for (const _ of segments.segment(text)) count += 1;
  return count;
}

/** The same words for the same place, so that an answer about others is not taken for one about these. */
function fingerprint({ thread, visibility, warning, text }: Words): string {
  return `${thread?.id}|${visibility}|${warning}|${text}`;
}

export class Measuring {
  private readonly words!: () => Words;
  private measured = $state.raw<{ print: string; result: Measure } | null>(null);
  private readonly exact = $derived.by((): Measure | null =>
    this.measured?.print === fingerprint(this.words()) ? this.measured.result : null,
  );
  readonly size = $derived.by((): Size => {
    if (this.exact) return { ...this.exact, exact: true };
    const { text, warning, thread } = this.words();
    const max = thread?.allowance.limit?.max ?? null;
    const used = graphemes(text) + graphemes(warning);
    return { used, max, over: max !== null && used > max, exact: false };
  });
  /** How the server would split it. */
  readonly parts = $derived(this.exact?.parts ?? null);
  readonly hints = $derived(this.exact?.notes ?? []);

  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | undefined;

  constructor(words: () => Words) {
    this.words = words;
  }

  /** The words changed: the server is asked once they rest. */
  again(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), MEASURE_AFTER);
  }

  /** The server refused it as too long, and said by how much. */
  refused(told: Partial<Measure>): void {
    const { used, max } = this.size;
    this.measured = {
      print: fingerprint(this.words()),
      result: {
        used: told.used ?? used,
        max: told.max ?? max ?? 0,
        unit: told.unit ?? 'graphemes',
        over: true,
        parts: told.parts ?? null,
        notes: [],
      },
    };
  }

  forget(): void {
    this.measured = null;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  private async ask(): Promise<void> {
    this.asking?.abort();
    const words = this.words();
    const { thread, text, visibility, warning } = words;
    if (!thread || text === '' || !thread.allowance.may_reply) return;
    const print = fingerprint(words);
    const abort = (this.asking = new AbortController());
    try {
      const said = { text, in_reply_to: words.answers, visibility, content_warning: warning || null };
      const result = await threads.measure(thread.id, said, abort.signal);
      this.measured = { print, result };
    } catch {
      // The local count stays; the server judges again at send.
    }
  }
}
