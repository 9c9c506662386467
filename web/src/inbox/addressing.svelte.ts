// To whom an answer goes and about what, where the channel leaves that to the writer. What nobody touched is left to the channel,
// which knows best; what somebody typed stays as typed, also when it cannot be an address.
import type { Message, ReplyBody } from '../api/types';
import { t } from '../i18n/i18n.svelte';
import { addressed, readAddresses, writeAddresses, type Answering } from './address';
import type { Addressing as Kept } from './drafts';

export class Addressing {
  private readonly free!: () => boolean;
  private readonly answering!: () => Message | null;
  kind = $state<Answering>('reply');
  /** As typed; null is what the kind of answer says. */
  to = $state<string | null>(null);
  cc = $state<string | null>(null);
  bcc = $state('');
  subject = $state('');

  /** The channel leaves it to the writer. */
  readonly offered = $derived.by((): boolean => this.free());
  private readonly usual = $derived.by(() => (this.offered ? addressed(this.answering(), this.kind) : { to: [], cc: [] }));
  readonly toText = $derived(this.to ?? writeAddresses(this.usual.to));
  readonly ccText = $derived(this.cc ?? writeAddresses(this.usual.cc));
  private readonly read = $derived({
    to: readAddresses(this.toText),
    cc: readAddresses(this.ccText),
    bcc: readAddresses(this.bcc),
  });
  /** What cannot be an address. */
  readonly misspelt = $derived.by((): string | null => {
    const wrong = [this.read.to, this.read.cc, this.read.bcc].flatMap((one) => one.wrong)[0];
    return this.offered && wrong !== undefined ? t('address.wrong', { address: wrong }) : null;
  });
  /** Why it cannot go to anybody yet; null when it can. */
  readonly misaddressed = $derived(
    this.misspelt ?? (this.offered && this.read.to.boxes.length === 0 ? t('address.missing') : null),
  );
  /** Passing something on may go without a word. */
  readonly forwards = $derived(this.offered && this.kind === 'forward');

  constructor(free: () => boolean, answering: () => Message | null) {
    this.free = free;
    this.answering = answering;
  }

  /** Somebody chose to whom it goes, or began to. */
  get touched(): boolean {
    return this.kind !== 'reply' || this.to !== null || this.cc !== null || this.bcc !== '';
  }

  /** Answers, answers all, or passes on; who it goes to follows from that until somebody chooses otherwise. */
  as(kind: Answering): void {
    this.kind = kind;
    this.to = this.cc = null;
  }

  reset(): void {
    this.as('reply');
    this.bcc = this.subject = '';
  }

  /** As an answer says it. */
  get body(): Pick<ReplyBody, 'recipients' | 'forward' | 'subject'> {
    if (!this.offered) return {};
    const chosen = this.kind !== 'reply' || this.to !== null || this.cc !== null || this.bcc.trim() !== '';
    const { to, cc, bcc } = this.read;
    return {
      ...(chosen ? { recipients: { to: to.boxes, cc: cc.boxes, bcc: bcc.boxes } } : {}),
      ...(this.forwards ? { forward: true } : {}),
      ...(this.subject.trim() ? { subject: this.subject.trim() } : {}),
    };
  }

  /** As a draft keeps it. */
  get kept(): Kept | undefined {
    const { kind, to, cc, bcc, subject } = this;
    return this.offered ? { kind, to, cc, bcc, subject } : undefined;
  }

  restore({ kind, to, cc, bcc, subject }: Kept): void {
    Object.assign(this, { kind, to, cc, bcc, subject });
  }
}
