// Light, dark or as the system; normal or high contrast. Set on <html>, kept per browser so that the
// sign-in page already has the right one.
export type Theme = 'system' | 'light' | 'dark';
export type Contrast = 'system' | 'more';

const KEY = 'balie.theme';

class Appearance {
  theme = $state<Theme>('system');
  contrast = $state<Contrast>('system');
  private readonly wantsContrast = matchMedia('(prefers-contrast: more)');

  start(): void {
    const [theme, contrast] = (localStorage.getItem(KEY) ?? '').split(' ');
    if (theme === 'light' || theme === 'dark') this.theme = theme;
    if (contrast === 'more') this.contrast = 'more';
    this.wantsContrast.addEventListener('change', () => this.apply());
    this.apply();
  }

  set(theme: Theme, contrast: Contrast): void {
    this.theme = theme;
    this.contrast = contrast;
    localStorage.setItem(KEY, `${theme} ${contrast}`);
    this.apply();
  }

  private apply(): void {
    const root = document.documentElement;
    if (this.theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.theme;
    const more = this.contrast === 'more' || this.wantsContrast.matches;
    if (more) root.dataset['contrast'] = 'more';
    else delete root.dataset['contrast'];
  }
}

export const appearance = new Appearance();
