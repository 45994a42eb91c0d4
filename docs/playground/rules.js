// rules.py and schedules.py of course_utils once more; tests compare
"use strict";
{
function gradient_descent(g, state, { lr = 0.01 }) {
  return [-lr * g, state];
}

function momentum(g, [v] = [0], { lr = 0.01, beta = 0.9 }) {
  v = beta * v + lr * g;
  return [-v, [v]];
}

function nesterov(g, [v] = [0], { lr = 0.01, beta = 0.9 }) {
  v = beta * v + lr * g;
  return [-(beta * v + lr * g), [v]];
}

function adagrad(g, [r] = [0], { lr = 0.01, eps = 1e-7 }) {
  r = r + g ** 2;
  return [-lr * g / (r ** 0.5 + eps), [r]];
}

function rmsprop(g, [r] = [0], { lr = 0.001, beta = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  return [-lr * g / (r ** 0.5 + eps), [r]];
}

function rmsprop_momentum(g, [r, v] = [0, 0], { lr = 0.001, beta = 0.9, momentum = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  v = momentum * v + lr * g / (r ** 0.5 + eps);
  return [-v, [r, v]];
}

function rmsprop_nesterov(g, [r, v] = [0, 0], { lr = 0.001, beta = 0.9, momentum = 0.9, eps = 1e-8 }) {
  r = beta * r + (1 - beta) * g ** 2;
  const step = lr * g / (r ** 0.5 + eps);
  v = momentum * v + step;
  return [-(momentum * v + step), [r, v]];
}

function adam(g, [m, v, t] = [0, 0, 0], { lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }) {
  t = t + 1;
  m = beta1 * m + (1 - beta1) * g;
  v = beta2 * v + (1 - beta2) * g ** 2;
  const m_hat = m / (1 - beta1 ** t);
  const v_hat = v / (1 - beta2 ** t);
  return [-lr * m_hat / (v_hat ** 0.5 + eps), [m, v, t]];
}

const RULES = { gradient_descent, momentum, nesterov, adagrad, rmsprop, rmsprop_momentum, rmsprop_nesterov, adam };

const NAMES = {
  gradient_descent: "Gradient descent", momentum: "Momentum", nesterov: "Nesterov", adagrad: "Adagrad", rmsprop: "RMSProp",
  rmsprop_momentum: "RMSProp + momentum", rmsprop_nesterov: "RMSProp + Nesterov", adam: "Adam",
};

const LOOKS = {
  gradient_descent: ["#000000", "solid"],
  momentum: ["#0072B2", "solid"],
  nesterov: ["#56B4E9", "dashed"],
  adagrad: ["#E69F00", "solid"],
  rmsprop: ["#D55E00", "solid"],
  rmsprop_momentum: ["#CC79A7", "dashed"],
  rmsprop_nesterov: ["#882255", "dotted"],
  adam: ["#009E73", "solid"],
};

const hyperparameters = (name) => Object.fromEntries(
  [...String(RULES[name]).matchAll(/(\w+) = (\d\S*\d)/g)].map(([, key, value]) => [key, +value]));

function effectiveRate(name, state, { lr, beta2, eps }) {
  if (eps === undefined) return lr;
  const r = name === "adam" ? state[1] / (1 - beta2 ** state[2]) : state[0];
  return lr / (r ** 0.5 + eps);
}

const SCHEDULES = {
  constant: ["constant", () => () => 1],
  exponential: ["a tenth less each step", () => (step) => 0.9 ** step],
  inverse_time: ["half after 20 steps", () => (step) => 1 / (1 + step / 20)],
  cosine: ["cosine to 0", (steps) => (step) => (1 + Math.cos(Math.PI * Math.min(step / steps, 1))) / 2],
  // RMSProp's first step is lr long, whatever its memory
  first: ["lr × √(1 − β)", (steps, { beta = 0 }) => () => (1 - beta) ** 0.5],
  // To leave Adam's bias correction out is a schedule in disguise (chapter 9)
  uncorrected: ["no bias correction", (steps, { beta1 = 0, beta2 = 0 }) => (step) =>
    (1 - beta1 ** (step + 1)) / (1 - beta2 ** (step + 1)) ** 0.5],
};

Object.assign(Playground, { RULES, NAMES, LOOKS, SCHEDULES, hyperparameters, effectiveRate });
}
