// What is asked before the first message: the answers of the form, an agreement. Kept until the first message has taken
// the answers along, so that a reload does not ask twice.
import type { Kept } from './kept';
import type { Sessions } from './sessions';
import type { Thread } from './thread';
import type { Config, Field } from './wire';

export interface BeforeAround {
  kept: Kept;
  thread: Thread;
  sessions: Sessions;
  config(): Config | undefined;
  now(): number;
}

export class Before {
  /** A required answer that the server missed. */
  private missing: string | undefined;

  constructor(private readonly around: BeforeAround) {}

  get asks(): Field[] {
    const { kept, thread, sessions } = this.around;
    const config = this.around.config();
    if (!config || thread.status !== 'none') return [];
    if (kept.get('fields') !== null && !this.missing) return [];
    return config.prechat.filter(({ key }) => !(sessions.visitor?.identified && this.known(key)));
  }

  /** What is still to be agreed to. */
  get consent(): string | null {
    const { kept, thread, config } = this.around;
    if (thread.status !== 'none' || kept.get('agreed') !== null) return null;
    return config()?.texts.consent ?? null;
  }

  /** What we know of the visitor already, for the fields of a form. */
  known(key: string): string {
    const { visitor } = this.around.sessions;
    return (key === 'name' ? visitor?.name : key === 'email' ? visitor?.email : null) ?? '';
  }

  answer(fields: Record<string, string>, agreed: boolean): void {
    const { kept, now } = this.around;
    this.missing = undefined;
    kept.set('fields', JSON.stringify(fields));
    if (agreed) kept.set('agreed', String(now()));
  }

  lacks(field: string): void {
    this.missing = field;
    this.around.kept.set('fields', null);
  }

  /** The answers, for the first message only. */
  take(): { fields?: Record<string, string>; website?: string } {
    const { kept, thread } = this.around;
    const answers = kept.get('fields');
    if (!answers || thread.status !== 'none') return {};
    const { website, ...fields } = JSON.parse(answers) as Record<string, string>;
    return website ? { fields, website } : { fields };
  }

  /** The first message has arrived. */
  done(): void {
    const { kept, thread, sessions } = this.around;
    const answers = kept.get('fields');
    if (!answers || thread.status === 'none') return;
    const { name, email } = JSON.parse(answers) as Record<string, string>;
    sessions.told(name, email);
    kept.set('fields', null);
  }
}
