// surfaces.py of course_utils once more, and the pan and the line; tests compare
"use strict";
{
const { hypot, max, cos, sin, PI } = Math;
const surface = (value, gradient, start, minima, window) => ({
  value, gradient, start, minima, window, turn: (p) => p.slice(0, start.length), back: (p) => p,
});

// The ravine (x² + k y²) / 2, turned about its minimum. The start is given along and across it, and turns with it.
function quadratic(k, degrees = 0) {
  const angle = degrees * PI / 180, c = cos(angle), s = sin(angle);
  const turn = ([x, y]) => [c * x - s * y, s * x + c * y];
  const back = ([x, y]) => [c * x + s * y, c * y - s * x];
  return {
    ...surface(
      (p) => { const [x, y] = back(p); return (x ** 2 + k * y ** 2) / 2; },
      (p) => { const [x, y] = back(p); return turn([x, k * y]); },
      [-4, 1], [[0, 0]],
      degrees ? [[-6.5, 4.5], [-4.4, 1.6]] : [[-4.5, 2], [-1.6, 1.6]]),
    turn, back, isRound: k === 1 || degrees > 0, // x and y to one scale
  };
}

const rosenbrock = () => surface(
  ([x, y]) => (1 - x) ** 2 + 100 * (y - x ** 2) ** 2,
  ([x, y]) => [-2 * (1 - x) - 400 * x * (y - x ** 2), 200 * (y - x ** 2)],
  [-1.2, 1], [[1, 1]], [[-2, 2], [-1, 3]]);

const saddle = () => surface(
  ([x, y]) => x ** 2 / 2 - y ** 2 / 2 + y ** 4 / 4,
  ([x, y]) => [x, y ** 3 - y],
  [-1.5, 0.001], [[0, -1], [0, 1]], [[-1.8, 1.8], [-1.6, 1.6]]);

const pan = () => surface(
  (p) => (0.1 * hypot(...p) ** 2 + 100 * max(0, hypot(...p) - 1) ** 2) / 2,
  (p) => p.map((x) => (0.1 + 100 * max(0, 1 - 1 / max(hypot(...p), 1))) * x),
  [-2.4, 1.2], [[0, 0]], [[-3, 2], [-1.6, 1.6]]);

const line = () => ({ isRound: true, ...surface(
  ([x, y]) => (3 * x + y - 3) ** 2 / 2,
  ([x, y]) => [3 * (3 * x + y - 3), 3 * x + y - 3],
  [0, 0], [[0.9, 0.3], [0.75, 0.75]], [[-0.7, 1.9], [-0.2, 1.2]]) });

const ripples = () => surface(
  ([x]) => x ** 2 / 8 + sin(2 * x),
  ([x]) => [x / 4 + 2 * cos(2 * x)],
  [4.2],
  [-6.585, -3.687, -0.739136175, 2.216, 5.148, 7.923].map((x) => [x]),
  [[-8, 8]]);

Playground.SURFACES = { quadratic, rosenbrock, saddle, pan, line, ripples };
}
