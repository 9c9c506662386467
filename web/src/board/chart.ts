// The drawing of the last hour: bars for answers, a line for arrivals, one scale for both.
export interface Minute {
  at: number;
  arrivals: number;
  answers: number;
}

export interface Drawing {
  line: string;
  bars: { x: number; y: number; height: number }[];
  step: number;
  top: number;
}

export function draw(minutes: readonly Minute[], width: number, height: number): Drawing {
  const top = Math.max(4, ...minutes.map(({ arrivals, answers }) => Math.max(arrivals, answers)));
  const step = minutes.length > 0 ? width / minutes.length : width;
  const y = (value: number): number => Math.round((height - (value / top) * height) * 10) / 10;
  const line = minutes
    .map(({ arrivals }, index) => `${index === 0 ? 'M' : 'L'}${Math.round((index + 0.5) * step * 10) / 10} ${y(arrivals)}`)
    .join('');
  const bars = minutes.map(({ answers }, index) => ({
    x: Math.round((index * step + step * 0.18) * 10) / 10,
    y: y(answers),
    height: Math.round((height - y(answers)) * 10) / 10,
  }));
  return { line, bars, step, top };
}
