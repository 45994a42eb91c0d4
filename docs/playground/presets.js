// Stories: chapter, title, knobs ("1.lr": of the second rule; "*.lr": of all), race, question, answers (* marks the right one),
// outcome with measured numbers, the race asked about if another
"use strict";
{
const { RULES, short } = Playground;
const end = ({ diverged, away }) => (diverged ? "far outside" : `${short(away.at(-1))} away`);
const height = ({ heights }) => short(heights.at(-1));
const at = ({ path }) => path.at(-1).map(short).join(", ");
const each = (lanes, say) => lanes.map((lane) => `${lane.label}: ${say(lane)}`).join("; ");
const gap = (a, b) => short(Math.max(...a.map((p, i) => Math.hypot(...p.map((x, d) => x - b[i][d])))));
const all = (...lrs) => Object.keys(RULES).map((rule, i) => `&lane=${rule},lr:${lrs[i] ?? lrs[0]}`).join("");
const gd = "lane=gradient_descent,lr:";

const stories = {
  ravine: [4, "Out of the zigzag", ["0.lr", "1.lr", "1.beta"],
    `steps=40&${gd}0.0378&lane=momentum,lr:0.0438,beta:0.7`,
    "This ravine is 50 times as steep across as along. Each rule has its best rate. How far off is momentum after 40 steps?",
    ["as far as gradient descent", "half as far", "*less than a tenth as far"],
    ({ lanes: [a, b] }) => `Gradient descent ends ${end(a)}, momentum ${end(b)}: ${short(a.away.at(-1) / b.away.at(-1))} times nearer. Along the valley the gradients agree and add up. Across, momentum zigzags, too.`],
  ripples: [1, "Many valleys", ["x", "2.lr"], `surface=ripples&x=4.5&steps=600&speed=100&${gd}0.02&${gd}0.1&${gd}0.4`,
    "Gradient descent starts at x = 4.5. What brings it into the lowest valley, at −0.74?",
    ["a smaller rate, 0.02", "a larger rate, 0.4", "*another start, 0.5"],
    ({ lanes, again }) => `From 4.5 each rate ends at ${[...new Set(lanes.map(at))]}, from 0.5 at ${[...new Set(again("x=0.5").map(at))]}. The slope leads down into its own valley.`, "x=0.5"],
  saddle: [1, "Beside the ridge", ["y", "0.lr"], `surface=saddle&steps=200&speed=40&${gd}0.1`,
    "Gradient descent starts 0.001 beside a ridge, the line y = 0. When is it ½ beside it?",
    ["after about 10 steps", "*after about 70 steps", "never"],
    ({ lanes: [a], again }) => {
      const left = ({ path }) => path.findIndex(([, y]) => Math.abs(y) > 0.5);
      return `After ${left(a)} steps, and from a thousand times nearer after ${left(again("y=1e-6")[0])}. A step multiplies |y| by at most 1 + lr, so every power of ten costs as many again.`;
    }],
  cliff: [1, "Slope and cliff", ["0.lr", "1.lr", "2.lr", "3.lr"], `k=1&steps=30&${gd}0.02&${gd}0.2&${gd}1.9&${gd}2.05`,
    "A round bowl of curvature 1. Which rate ends nearest to the minimum?", ["0.02", "*0.2", "1.9", "2.05"],
    ({ lanes }) => `${each(lanes, end)}. A step multiplies the distance by 1 − lr: by ${lanes.map(({ lr }) => short(1 - lr)).join(", ")}.`],
  zigzag: [2, "The zigzag", ["k", "0.lr"], `k=20&steps=20&view=parts&${gd + 2 / 21}`,
    "This rate is the fastest for k = 20. What happens in a ravine twice as steep, k = 40?",
    ["it comes in later", "it comes in, zigzagging wider", "*it flies out"],
    ({ lanes: [a], again }) => `k = 20: ${end(a)} after 20 steps. k = 40: ${end(again("k=40")[0])}. The steepest direction sets the limit, lr < 2/k = ${2 / 40}, and ${short(a.lr)} is above. Now find the rate that tames it.`, "k=40"],
  banana: [2, "A bent valley", ["0.lr", "steps"], `surface=rosenbrock&steps=1000&speed=150&${gd}0.001`,
    "From x = −1.2, Rosenbrock's valley bends to the minimum, x = 1. Where is gradient descent after 1,000 steps?",
    ["near x = −1", "*near x = 0.3", "near x = 1"],
    ({ lanes: [a], again }) => `At (${at(a)}). Ten times the rate flies out at step ${again(gd + 0.01)[0].diverged}. The steep walls forbid the rate that the flat floor needs.`],
  noise: [3, "The noise ball", ["noise", "runs", "0.lr", "1.lr"], `k=1&noise=2&runs=30&steps=200&speed=30&frame=4&x=-3&${gd}0.4&${gd}0.1`,
    "With noisy gradients, thirty runs end in a cloud. How wide is it at a quarter of the rate (hollow dots)?",
    ["as wide", "*about half as wide", "about a quarter as wide"],
    ({ lanes }) => {
      const [a, b] = lanes.map(({ away }) => away.slice(100).reduce((x, y) => x + y) / 101);
      return `Mean distance from step 100 on: ${short(a)} and ${short(b)}, a ratio of ${short(b / a)}. The variance grows with the rate, the distance with its root.`;
    }],
  schedules: [3, "A rate that falls", ["noise", "seed"],
    `k=1&noise=2&runs=50&steps=200&speed=30&frame=1.2&x=-1&y=0.4&${gd}0.1&${gd}0.1,schedule:exponential&${gd}0.1,schedule:inverse_time&${gd}0.1,schedule:cosine`,
    "Noisy gradients, and four plans for a rate of 0.1. Which ends nearest, in the mean of 50 runs?",
    ["constant", "a tenth less each step", "*half after 20 steps", "cosine to 0"],
    ({ lanes }) => `${each(lanes, end)}. A rate that stays lets noise in to the last. One that falls fast stops on the way. A slow fall averages most gradients.`],
  beta: [4, "Until it circles", ["0.lr", "0.beta"], "steps=40&frame=5&lane=momentum,lr:0.0275,beta:0.7",
    "We raise momentum's memory β from 0.7 to 0.95 and keep lr. Where is it after 40 steps?",
    ["nearer to the minimum", "*farther away, swinging", "out of the picture"],
    ({ lanes: [a], again }) => `β = 0.7 ends ${end(a)}, β = 0.95 ${end(again("lane=momentum,lr:0.0275,beta:0.95")[0])}. After a step √β of a swing is left. After 40 that is ${short(0.95 ** 20)} of it for 0.95, and only ${short(0.7 ** 20)} for 0.7. Raise β slowly from 0.`, "lane=momentum,lr:0.0275,beta:0.95"],
  damping: [4, "The map of lr and β", ["0.lr", "0.beta"], "steps=40&view=map&lane=momentum,lr:0.0275,beta:0.7",
    "Each cell of this map is a run of momentum with its own lr and β. Which runs end lowest?",
    ["at β = 0", "at β near 1", "*between, beside the rates that fly out"],
    ({ tuned }) => (({ lr, beta }) => `Lowest over the last tenth: β = ${beta}, lr = ${lr}. Below the dashed line momentum creeps along the valley, above it swings. Best is near where it meets the rates that fly out.`)(tuned(0))],
  ball: [4, "A ball that rolls", ["x", "1.beta"], `surface=ripples&x=7&steps=400&speed=60&${gd}0.01&lane=momentum,lr:0.01,beta:0.95`,
    "From x = 7 gradient descent ends in the first valley. Where does momentum come to rest?",
    ["in the same valley", "*in the deepest valley", "beyond the deepest valley"],
    ({ lanes: [a, b] }) => `Gradient descent ends at ${at(a)}, momentum at ${at(b)}. Its speed carries it over ridges. Where that ends is luck as well: drag the start.`],
  workers: [5, "Asynchrony begets momentum", ["workers", "0.lr", "runs"], `k=5&workers=8&runs=100&mean=1&${gd}0.1`,
    "With eight workers, a gradient is seven steps late on average. What does the mean of 100 runs (thick) look like?",
    ["one worker's path", "a slower path", "*momentum's path: it swings"],
    ({ lanes: [a] }) => `Momentum with β = 1 − 1/8 (pink, dashed) is never more than ${gap(a.path, a.theory)} from the mean. A late gradient pushes on, as a speed does.`],
  nesterov: [6, "Look before you step", ["*.lr", "*.beta"], "k=20&view=parts&lane=momentum,lr:0.02,beta:0.9&lane=nesterov,lr:0.02,beta:0.9",
    "Momentum and Nesterov have one lr and one β. Which travels farther up and down, across the ravine?",
    ["*momentum, about four times", "both alike", "Nesterov, about four times"],
    ({ lanes }) => `${each(lanes, ({ path }) => short(path.reduce((way, [, y], i) => way + Math.abs(y - path[Math.max(i - 1, 0)][1]), 0)))} up and down. Nesterov takes the gradient where it will land. That brakes, most where it is steep. Now raise lr to 0.07.`],
  adagrad: [7, "A rate for each weight", ["k", "1.lr"], `k=20&steps=30&${gd + 2 / 21}&lane=adagrad,lr:2`,
    "We make the ravine ten times as steep across, k = 200. What does Adagrad's path do?", ["it flies out", "it needs more steps", "*it stays the same"],
    ({ lanes: [, a], again }) => `The paths differ by ${gap(a.path, again("k=200")[1].path)} at most. Adagrad divides gradients by their own size, so a factor cancels. Gradient descent ends ${end(again("k=200")[0])}.`, "k=200"],
  turned: [7, "The ravine turned", ["angle", "1.lr"], `k=20&angle=45&steps=30&${gd + 2 / 21}&lane=adagrad,lr:2`,
    "Along the axes, Adagrad ends far nearer. We turn the ravine by 45°. Which ends nearer now?",
    ["Adagrad, by far", "Adagrad, barely", "*gradient descent"],
    ({ lanes: [a, b], again }) => `Gradient descent ends ${end(a)}, at any angle. Adagrad ends ${end(b)}, aligned ${end(again("angle=0")[1])}. A rate for each weight mends what differs between weights, not between directions.`],
  "adagrad-rates": [7, "Rates that only fall", ["k", "0.lr"], "k=20&steps=30&view=rates&lane=adagrad,lr:2",
    "Adagrad has one rate for x, gentle, one for y, steep. How much larger is that of x after 30 steps?",
    ["not at all", "*about 6 times", "about 100 times"],
    ({ lanes: [{ path: { rates } }] }) => `The rates are ${rates[29].map(short).join(" and ")}: ${short(rates[29][0] / rates[29][1])} times. Each is lr over the root of its own sum of squares. Along y that is larger. Sums only grow, so both rates fall.`],
  pan: [8, "Forgetting helps", ["1.lr", "1.beta"], "surface=pan&view=heights&steps=180&speed=36&lane=adagrad,lr:0.2&lane=rmsprop,lr:0.2,beta:0.9,schedule:first,mirror:1",
    "Both start on a steep rim above a flat floor, with equal first steps. Which is lower after 180 steps?",
    ["Adagrad", "both alike", "*RMSProp"],
    ({ lanes }) => `${each(lanes, height)} above the minimum. RMSProp forgets the rim's steep gradients, so its rate rises again. Now try β = 0.999.`],
  settle: [8, "It does not settle", ["*.lr"], "steps=200&speed=40&frame=0.8&x=-0.7&y=0.3&lane=rmsprop,lr:0.1&lane=rmsprop,lr:0.1,schedule:cosine",
    "RMSProp's steps stay about lr long. Where does it end if lr stays 0.1?",
    ["at the minimum", "*hopping 0.05 to either side", "ever farther away"],
    ({ lanes: [a, b] }) => `A constant rate ends at (${at(a)}), half a rate off in each coordinate. Its steps divide by the gradient's size, so they do not shrink with it. A falling rate ends ${end(b)}.`],
  adam: [9, "Adam's three knobs", ["*.lr", "0.beta1", "0.beta2"], "steps=80&lane=adam,lr:0.32&lane=adam,lr:0.32,beta2:0.9&lane=adam,lr:0.32,beta1:0.5&lane=adam,lr:0.32,beta1:0.95",
    "Adam's defaults are β₁ = 0.9 and β₂ = 0.999. Which one change ends nearest after 80 steps?", ["β₂ = 0.9", "*β₁ = 0.5", "β₁ = 0.95"],
    ({ lanes }) => `${each(lanes, end)}. β₁ is momentum's memory: the longer, the farther it runs past the minimum.`],
  three: [9, "Momentum, RMSProp, both", ["0.lr", "1.lr", "2.lr"], "view=heights&steps=80&lane=momentum,lr:0.0075&lane=rmsprop,lr:0.075&lane=adam,lr:0.32",
    "Three rules, each at its best rate. Who is lowest after 80 steps?", ["momentum", "*RMSProp", "Adam"],
    ({ lanes }) => `${each(lanes, height)} above the minimum. RMSProp has no speed to run past with. Momentum and Adam run past the minimum, and swing.`],
  bias: [9, "Bias correction", ["*.lr", "*.beta2"], "lane=adam,lr:0.05&lane=adam,lr:0.05,schedule:uncorrected",
    "Adam runs at lr = 0.05, with its bias correction and without. Which ends nearer?", ["with it", "both alike", "*without it"],
    ({ lanes }) => `${each(lanes, end)}. Without it the first steps are longer: a larger rate in disguise. At lr 0.32 it runs past.`],
  "same-rate": [10, "One rate for all", ["*.lr"], `view=heights&steps=100&speed=20${all(0.01)}`,
    "Eight rules run at lr = 0.01. We raise it to 0.1. Which fly out?", ["none", "*gradient descent, momentum, Nesterov", "all but Adam"],
    () => `0.1 is past their limit, for gradient descent 2/k = ${2 / 50}. The others divide by their gradients. Who chooses the rate chooses the winner.`, all(0.1)],
  tuned: [10, "Each at its best", ["angle", "k"], `angle=30&view=heights&steps=80${all(0.032, "0.032,beta:0.7", "0.018,beta:0.8", 1.3, "0.18,beta:0.95", "0.042,momentum:0.7", "0.056,momentum:0.8", "1,beta1:0.7")}`,
    "Eight rules, each at its best, in a ravine turned by 30°. Which is lowest after 80 steps?", ["Adam", "*momentum", "Adagrad", "RMSProp"],
    ({ lanes }) => `${each(lanes.toSorted((a, b) => a.heights[80] - b.heights[80]).slice(0, 3), height)}. In a turned ravine both coordinates are steep, and a rate for each helps little.`],
  line: [10, "Same loss, another place", ["0.lr", "4.lr"],
    `surface=line&view=heights&steps=1000&speed=200${all(...[0.02, 0.004, 0.004, 0.1, 0.02, 0.002, 0.002, 0.02].map((lr) => lr + ",schedule:cosine"))}`,
    "Every point of the line 3x + y = 3 is a minimum. Eight rules start at (0, 0). Where on it do they end?",
    ["all at the nearest point", "all at another point", "*at two different points"],
    ({ lanes: [a, , , b] }) => `Gradient descent, momentum and Nesterov end at (${at(a)}), the nearest: every gradient points along (3, 1). The others divide the 3 out and move both weights alike, to (${at(b)}).`],
  race: [10, "The race", ["angle", "k"], `angle=30&view=heights&steps=30&speed=8&${gd}0.032&lane=momentum,lr:0.032,beta:0.7&lane=rmsprop,lr:0.24,beta:0.9&lane=adam,lr:1.3,beta1:0.7`,
    "Four rules, each at its best, in a ravine turned by 30°. Which stays lowest over the last three of 30 steps?", ["gradient descent", "*momentum", "RMSProp", "Adam"],
    ({ lanes }) => `${each(lanes, ({ heights }) => short(Math.max(...heights.slice(-3))))} above the minimum at most. Momentum does not feel the angle, a rate for each coordinate does. At 0°, tuned anew, Adam ends far below momentum.`],
};
Playground.PRESETS = Object.fromEntries(Object.entries(stories).map(([name, [chapter, title, knobs, state, question, answers, outcome, then]]) =>
  [name, { chapter, title, knobs, state, question, answers, outcome, then }]));
}
