// How the launcher, the invitation and the frame stand on somebody else's page. A constructed stylesheet: the site's
// policy needs no 'unsafe-inline' for it. All in px: the site's root font size is not ours to follow.
export const STYLE = `
:host{all:initial;position:fixed;inset-block-end:0;inset-inline-end:0;z-index:var(--z);color-scheme:light dark;
--accent:oklch(47% .085 195);--on:#fff;--face:light-dark(#fff,oklch(26% .007 75));--ink:light-dark(oklch(24% .012 75),oklch(93.5% .006 85));
--line:light-dark(oklch(90.5% .006 85),oklch(36% .008 75));--shadow:0 2px 6px rgb(0 0 0/.16),0 8px 28px rgb(0 0 0/.18);
font:400 15px/21px system-ui,-apple-system,'Segoe UI',sans-serif}
:host([data-theme=light]){color-scheme:light}:host([data-theme=dark]){color-scheme:dark}
*{box-sizing:border-box}[hidden]{display:none!important}
button{font:inherit;cursor:pointer}
:focus-visible{outline:3px solid light-dark(oklch(50% .13 240),oklch(80% .11 230));outline-offset:2px}
.launch{position:fixed;inset-block-end:calc(var(--y) + env(safe-area-inset-bottom));inset-inline-end:var(--x);inline-size:56px;block-size:56px;
padding:0;border:1px solid transparent;border-radius:50%;background:var(--accent);color:var(--on);box-shadow:var(--shadow);display:grid;place-items:center;transition:transform .12s ease-out}
.launch:hover{transform:translateY(-1px)}
.launch svg{inline-size:26px;block-size:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-inline-size:22px;block-size:22px;padding-inline:6px;border-radius:11px;
background:#fff;color:#1c1917;border:2px solid var(--accent);font:600 12px/18px system-ui,sans-serif;font-variant-numeric:tabular-nums;text-align:center}
iframe{position:fixed;inset-block-end:calc(var(--y) + 56px + 12px + env(safe-area-inset-bottom));inset-inline-end:var(--x);inline-size:min(400px,calc(100vw - 2*var(--x)));
block-size:min(660px,calc(100dvh - var(--y) - 56px - 32px));border:1px solid var(--line);border-radius:14px;background:var(--face);box-shadow:var(--shadow);color-scheme:normal}
iframe:not([hidden]){animation:in .12s ease-out}
.bare iframe{inset-block-end:var(--y);block-size:min(660px,calc(100dvh - var(--y) - 20px))}
.tease{position:fixed;inset-block-end:calc(var(--y) + 56px + 12px + env(safe-area-inset-bottom));inset-inline-end:var(--x);inline-size:min(300px,calc(100vw - 2*var(--x)));
padding:14px 16px;border:1px solid var(--line);border-radius:14px;background:var(--face);color:var(--ink);box-shadow:var(--shadow);animation:in .12s ease-out}
.bare .tease{inset-block-end:var(--y)}
.tease p{margin:0 0 12px;overflow-wrap:anywhere}.tease .from{margin:0 0 2px;font-weight:600;font-size:13px}
.tease div{display:flex;flex-wrap:wrap;gap:8px}
.tease button{min-block-size:36px;padding:0 14px;border:1px solid var(--line);border-radius:18px;background:none;color:var(--ink)}
.tease button:first-child{border-color:transparent;background:var(--accent);color:var(--on)}
.start .launch,.start iframe,.start .tease{inset-inline:var(--x) auto}
.full iframe{inset:0;inline-size:100%;block-size:100dvh;border:0;border-radius:0}
.full.open .launch{display:none}
.said{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@keyframes in{from{opacity:0;transform:translateY(6px)}}
@media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
@media(forced-colors:active){.launch,.badge,.tease,.tease button,iframe{border-color:ButtonText}.launch svg{color:ButtonText}}
@media print{:host{display:none}}
`;
