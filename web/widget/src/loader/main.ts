// The script that a site embeds. Calls made before it came wait in `balie.q` and are made in their order.
import { Loader } from './loader';
import { optionsOf } from './options';

type Call = (word: string, ...args: unknown[]) => void;
interface Global {
  balie?: Call & { q?: ArrayLike<unknown>[]; here?: boolean };
}

const global = window as Window & typeof globalThis & Global;
const script = (document.currentScript ?? document.querySelector('script[src*="/widget.js"]')) as HTMLScriptElement | null;

if (script && !global.balie?.here) {
  const options = optionsOf(script.src, script.dataset, document.documentElement.lang || navigator.language);
  if (options.account) {
    const early = global.balie?.q ?? [];
    const loader = new Loader(global, options);
    const call: NonNullable<Global['balie']> = (word, ...args) => loader.call(word, ...args);
    call.here = true;
    global.balie = call;
    loader.start();
    for (const args of Array.from(early)) call(...(Array.from(args) as [string, ...unknown[]]));
  } else {
    console.warn('Balie: the script tag needs data-account, the id of the web-chat account (Settings, Accounts).');
  }
}
