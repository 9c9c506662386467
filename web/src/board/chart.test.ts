import { expect, it } from 'vitest';
import { draw } from './chart';

it('draws arrivals and answers on one scale, and nothing outside it', () => {
  const minutes = [0, 5, 10].map((arrivals, index) => ({ at: index, arrivals, answers: 10 - arrivals }));
  const drawing = draw(minutes, 300, 100);
  expect(drawing.top).toBe(10);
  expect(drawing.line).toBe('M50 100L150 50L250 0');
  expect(drawing.bars.map((bar) => [bar.y, bar.height])).toEqual([[0, 100], [50, 50], [100, 0]]);
});

it('is flat, not broken, when nothing happened', () => {
  expect(draw([], 300, 100).line).toBe('');
  expect(draw([{ at: 0, arrivals: 0, answers: 0 }], 300, 100).line).toBe('M150 100');
});
