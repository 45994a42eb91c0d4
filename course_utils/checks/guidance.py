"""What a check says beyond its verdict: the next hint after the same mistake, and where to go from a right answer.

One entry for each question of the exercises. It has no answer in it, so it may be read by learners as well.
"""

from typing import NamedTuple


class Guide(NamedTuple):
    """How to go on with one question."""

    section: str  # the heading of the chapter's section that the question belongs to
    tie: str  # after a right answer: what it has to do with that section
    onward: str  # and one question to go on with
    hints: tuple  # after the second wrong answer with the same verdict, and after the third


GUIDES = {
    2: {
        "gradient_descent": Guide(
            "The rule",
            "Every other rule of the course has this signature, and the same loop runs them all.",
            "The state is empty here: what would a rule have to remember to tell a slope from a zigzag?",
            (
                "Call it by hand with g = np.array([1.0, -2.0]) and lr = 0.1, write down the two numbers that you "
                "expect, and print both things that it returns.",
                "The loop computes x + update. Put your update in there: does x go downhill, and by how much?",
            ),
        ),
        "softmax_cross_entropy_gradient": Guide(
            "Its gradient is *p − y*",
            "Each row of what you return adds up to 0: what one class gains, the others lose.",
            "What does this gradient look like for an image that the network reads right with probability 0.999?",
            (
                "Take one example with three scores of 0 and label 1. Write down its probabilities and its gradient by "
                "hand; then call your function with it.",
                "Double the batch by giving every example twice: the mean loss stays. What does that say of the "
                "gradient of one row, and what does yours do?",
            ),
        ),
        "linear_layer_backward": Guide(
            "Backward, layer by layer",
            "Three products of matrices: this is why a backward pass costs about twice a forward one.",
            "Which of the three is not needed for the first layer, and what is saved?",
            (
                "Write the shapes of delta, W and h beside those of the three results, for B = 5, in = 3, out = 2. "
                "Which products are possible at all?",
                "Take B = 1, all of h equal to 1 and a delta with a single 1 in it. Which entries of W, b and h does "
                "that one output depend on?",
            ),
        ),
        "relu_backward": Guide(
            "Backward, on to the first layer",
            "A silent unit hands nothing back: its weights rest until another image wakes it.",
            "What happens to a unit that is silent for every image of the training set?",
            (
                "Call it with delta = [1, 1, 1, -1] and z = [2, -2, 0, 2], as one row. Which of the four may come "
                "through, and how large?",
                "The chain rule multiplies delta by a slope. Sketch max(z, 0) and write its slope beside each piece.",
            ),
        ),
        "numerical_gradient": Guide(
            "Is the gradient right?",
            "Two calls of f for each parameter: too slow to train with, exact enough to check with.",
            "Why does a smaller h make the quotient worse in the end? (*Which h?*)",
            (
                "Take f = lambda x: x[0] ** 2 + 10 * x[1] at x = [3, 1], where the gradient is [6, 10]. What do you "
                "get?",
                "Print x inside f at every call. Which two points belong to component 1, and are they where you think?",
            ),
        ),
        "gradient": Guide(
            "Is the gradient right?",
            "A loss that falls proves nothing about a gradient; the quotient does.",
            "With the first bug the network still learned. Which direction did it never follow?",
            (
                "Compare your gradient with the quotient, part by part: W1, b1, W2, b2. Which parts are right already?",
                "Follow delta_Z for one image: where is a unit silent, and what stands in its place then? And what "
                "happens on the way from delta to a bias that all images share?",
            ),
        ),
        "final_loss": Guide(
            "The network's loss",
            "From 0 the hidden units never move: only the last biases learn, and they learn how frequent the classes "
            "are.",
            "How large is this loss for ten equally frequent classes, and where in the chapter have you seen that "
            "number?",
            (
                "Begin with two equally frequent classes. Which probabilities can biases alone give, and what is the "
                "loss then?",
                "Now 3 examples of one class and 1 of another: which probability for each makes the mean loss "
                "smallest? "
                "Put it into the cross-entropy.",
            ),
        ),
        "settings": Guide(
            "The best rate, and what it costs",
            "You did not improve the rule but the problem: a smaller largest curvature lets the rate be larger.",
            "Which other preparation of the inputs lowers the largest curvature without changing what can be "
            "expressed?",
            (
                "Leave shift where it is, and try lr in steps of a factor 1.5, up to where it gets worse. Then one "
                "step back.",
                "Curvature falls with the shift. Does the best lr rise with it? Try half a shift and a whole one, each "
                "at its own best lr.",
            ),
        ),
        "barzilai_borwein": Guide(
            "The best rate, and what it costs",
            "It measures the curvature along its own path, so nobody has to know L.",
            "Its loss does not fall in every step. Why is that no fault here?",
            (
                "Walk down f(x) = 2 x² by hand from x = 1 with lr = 0.1: two gradients, s, y, and the rate of the "
                "second step.",
                "Print s, y and the rate in every step. What is s in the first call, and what when s·y is not "
                "positive?",
            ),
        ),
    },
    3: {
        "minibatches": Guide(
            "Derivation: right on average",
            "Every example has the same chance in every step: this makes the minibatch gradient right on average.",
            "Within an epoch the batches are not independent. Does that make the noise of an epoch larger or smaller?",
            (
                "Call it with n = 5, batch_size = 2, epochs = 2 and print the list. How many batches should it hold, "
                "and how long is each?",
                "Sort what you read in each epoch: is every number from 0 to 4 there once? And are two epochs, and two "
                "seeds, in different orders?",
            ),
        ),
        "minibatch_noise": Guide(
            "Derivation: how wrong each time",
            "The noise falls as 1/B, its root only as 1/√B: this is why larger batches return less and less.",
            "How many times as large must a batch be for gradients twice as exact?",
            (
                "Take two gradients, [1] and [3], and a batch of 1: list both cases and average the squared error by "
                "hand.",
                "Then a batch of 2 with replacement: four cases. Does your function give their mean?",
            ),
        ),
        "matching_lr": Guide(
            "On a small problem: the noise ball",
            "For small rates this is the linear rule of large batches, and its end is the same 2/L as ever.",
            "How many times the batch is worth while at lr·λ = 0.5?",
            (
                "Write the chapter's variance of the ball for (lr, batch_size) and for the new pair, and set them "
                "equal.",
                "Try your function where the answer is sure: with the same batch size again, and with an endless one. "
                "What may lr·λ never exceed?",
            ),
        ),
        "my_batches": Guide(
            "Derivation: how wrong each time",
            "Only different examples average noise away: four copies of one batch are one batch.",
            "What would be lost if each worker shuffled only a fixed quarter of the data?",
            (
                "Print what two workers read in epoch 0, side by side. Then what worker 0 reads in epochs 0 and 1.",
                "Put all workers' batches of an epoch together and sort them. What is missing, what is there twice?",
            ),
        ),
        "step_decay": Guide(
            "A schedule for the learning rate",
            "Large first, small later: first the way, then the noise ball.",
            "After how many decays by 0.5 is the noise ball ten times smaller?",
            (
                "Write down the factors of steps 0 to 6 for every = 3 and factor = 0.5, then print yours.",
                "How many times has the factor been applied in step 2, in step 3, in step 5?",
            ),
        ),
        "settings": Guide(
            "Large first, small later",
            "A large rate for the way and a small one for the ball beat every constant rate.",
            "What would you change if there were ten times as many steps?",
            (
                "Let the first third run with twice the best constant rate, and then let it fall. Vary one setting "
                "at a time.",
                "Where does the rate end? Compute lr times the last factor for the settings that you tried, and "
                "compare "
                "it with the accuracies.",
            ),
        ),
        "warm_restarts": Guide(
            "A schedule for the learning rate",
            "Each end of a period is a small ball, each restart a large step out of it.",
            "At which steps would you keep a copy of the network, and why there?",
            (
                "Write down the periods' first steps for period = 3, growth = 2, and the factor of each of steps 0 "
                "to 9.",
                "Print, for every step, the number of its period, t and T. Where do they leave your list?",
            ),
        ),
    },
    4: {
        "momentum": Guide(
            "The rule in one cell",
            "The state carries the sum of the past, the newest gradient with weight 1 and each older one beta times "
            "less.",
            "What does the velocity do in a direction in which the gradient changes its sign in every step?",
            (
                "Take g = 1, lr = 0.1, beta = 0.5 and write the first three velocities down. Then print yours, call "
                "by call.",
                "Print the state that goes in and the one that comes out of each call. Which of the two does the "
                "update use?",
            ),
        ),
        "top_speed": Guide(
            "Predict first: how fast can it get?",
            "It is the effective learning rate lr / (1 − beta) times the gradient: beta changes both memory and speed.",
            "You raise beta from 0.9 to 0.99 and want the same top speed. What else do you change?",
            (
                "Let a loop add up the velocity for 1,000 steps and compare its end with your formula, for two "
                "values of beta.",
                "At the end v = beta·v + lr·g changes nothing any more. What is v then?",
            ),
        ),
        "steps_to": Guide(
            "Predict first: how fast can it get?",
            "Memory has a length of about 1 / (1 − beta) steps: so long does momentum take to get up to speed.",
            "And how long does it take to brake, when the gradient stops?",
            (
                "Let a loop count: at which step does the velocity reach 0.5 of its limit, for beta = 0.9? And yours?",
                "Which share is missing after step 1, after step 2, after step t? Steps are whole: which one is the "
                "first?",
            ),
        ),
        "paths": Guide(
            "The rule in one cell",
            "A rule with a state is as right as the place where its state is kept.",
            "Which of the two bugs would a test with one parameter never have found?",
            (
                "One parameter, gradient 1 five times, beta = 0.5: write the path down by hand and compare.",
                "Then give the second parameter gradient 0. Print `self.velocities` before and after a step: how many "
                "arrays are there, and who changes them?",
            ),
        ),
        "settings": Guide(
            '"Deals well with heavy curvature"',
            "With little noise momentum bears an effective rate that gradient descent could not.",
            "Would it help as much with batches of 10?",
            (
                "Hold beta at 0.9, and try an effective rate lr / (1 − beta) of 0.2, 0.5, 1 and 2.",
                "At the best effective rate, try a smaller and a larger beta. Which way does the accuracy go?",
            ),
        ),
        "quasi_hyperbolic": Guide(
            "Three conventions",
            "One more number joins the chapter's conventions: plain gradient descent at one end, momentum at the "
            "other.",
            "Which nu gives which of the rules that you know?",
            (
                "Set nu = 0 and nu = 1: which rule should remain in each case? Does it?",
                "Write the first two steps down by hand for g = 1, beta = 0.5, nu = 0.5, lr = 1. Where does yours "
                "part?",
            ),
        ),
    },
    5: {
        "who_returns": Guide(
            "The simulation, in its own lines",
            "Nobody waits: the order is that of the moments at which work is done.",
            "When would the workers return in turn after all?",
            (
                "Two workers, times [[1, 1, 1], [2.5, 2.5, 2.5]]: write the moment of each return on one line, and "
                "read the order off.",
                "A worker's second gradient begins when its first is done. Which of your numbers are moments, which "
                "are durations?",
            ),
        ),
        "versions_read": Guide(
            "Derivation: how late",
            "What a worker computes with is what it read right after its own last update.",
            "Which version does a worker hold who returns for the first time after 100 updates?",
            (
                "Take the order 0, 1, 0, 1 and write for each update: which version does its worker hold, which does "
                "the update make?",
                "After its update a worker reads. Is its own update in what it reads?",
            ),
        ),
        "staleness": Guide(
            "Derivation: how late",
            "On average the staleness is workers − 1, whoever is fast: the sum of all waiting is fixed.",
            "Then who pays for a slow worker?",
            (
                "Take the order 0, 1, 0, 1. Between the reading and the use of each gradient, count the updates of "
                "others by hand.",
                "How is the number of the update that you are at related to the version that was read?",
            ),
        ),
        "staler_than": Guide(
            "Derivation: how late",
            "The mean is workers − 1, and yet most gradients are fresher: a few very late ones make the mean.",
            "How stale is the stalest of a thousand gradients, about, for 16 workers?",
            (
                "For two workers: after its reading, with which chance is a worker passed over once, twice, k times?",
                "Larger than k means passed over at least how often? Try k = 0: what must come out for two workers?",
            ),
        ),
        "waiting": Guide(
            "In simulated time",
            "The slowest of M sets the pace, and the more workers, the later the slowest comes.",
            "How much would it help to wait only for the first 15 of 16?",
            (
                "Two workers, mean time 1: the first is back after 1/2 on average. How long does the other one still "
                "take?",
                "The share is waiting time over the time of a round. Write both down for M = 2, and check with a "
                "simulation.",
            ),
        ),
        "server_path": Guide(
            "The simulation, in its own lines",
            "A late gradient must be late in the program as well, or the experiment shows nothing.",
            "How would you notice such a bug in a plot of losses alone?",
            (
                "Two workers, order 0, 1, 0, 1, start 1, lr 0.5: write down what each worker holds before every "
                "update.",
                "Print `in_hand` after every update. Do the entries change when nobody has read? What has a worker "
                "read after its own update?",
            ),
        ),
        "settings": Guide(
            "Predict first: the largest stable learning rate",
            "Staleness already gives momentum, so less of it must be added, and a smaller rate.",
            "What would you choose for 64 workers?",
            (
                "Set beta to 0 first, and look for the best lr alone.",
                "From there raise beta a little at a third of the lr: better or worse? What does the effective rate "
                "do?",
            ),
        ),
        "delay_compensated": Guide(
            "Derivation: how late",
            "One product per parameter turns the old gradient, roughly, into the present one.",
            "When is g ⊙ g a bad stand-in for the curvature?",
            (
                "Take g = 2, now = 1, read = 0, lr = 1, lam = 0.5 and compute the bracket by hand.",
                "Set now = read: what should remain? Then move one component of now only: which components of the "
                "update may change?",
            ),
        ),
    },
    6: {
        "nesterov": Guide(
            "One point is enough",
            "The loop carries the look-ahead point, so the rule needs no second gradient.",
            "What are the first two steps for a constant gradient, and what were momentum's?",
            (
                "Take g = 1, lr = 0.1, beta = 0.5: write v and the update of the first two steps down, then print "
                "yours.",
                "In the update, which v stands there: the one that came in, or the one that goes out?",
            ),
        ),
        "ahead_path": Guide(
            "Derivation",
            "Where the method is going to look next depends on the next beta, so it must be known one step ahead.",
            "With the beta_t of 1983, (t − 1)/(t + 2): how long is the very first look ahead?",
            (
                "Write x̃ of this step and of the next with the two-point form, and subtract: which beta stands at "
                "which v?",
                "Let both betas be the same: then your step must be that of task 1. Then change next_beta alone: "
                "what may change?",
            ),
        ),
        "without_overshoot": Guide(
            "How fast, and up to which learning rate?",
            "Looking ahead damps: it bears a larger rate before it swings.",
            "Which beta would you take for the fastest path without overshoot at lr·λ = 0.01?",
            (
                "Try it: run your nesterov on x²/2 and double lr until the path crosses 0; compare with your formula.",
                "Write one step as a matrix on (x, v). The path swings when its eigenvalues stop being real: where "
                "is that?",
            ),
        ),
        "standing_path": Guide(
            "Both forms, side by side",
            "Two forms of one method are a test of each other: momentum's chapter had none.",
            "Which experiment shows both bugs at once?",
            (
                "Slope 1, no curvature, beta = 0.5: by hand, how long are the first three steps?",
                "One step in a bowl, with v ≠ 0: print the point at which the gradient is asked for, and where x "
                "stands "
                "after going back. Which sign has v?",
            ),
        ),
        "settings": Guide(
            "Tuning both",
            "The braking in steep directions bears a rate that suits two very different betas.",
            "Which of the two betas sets the lower end of the range that works, which the upper?",
            (
                "Print both accuracies, for beta = 0.9 and 0.99, at four rates a factor 1.5 apart.",
                "Where the two curves cross, the worse one is best. Look between your two best rates.",
            ),
        ),
        "restarted_nesterov": Guide(
            "Acceleration: from 1/t to 1/t²",
            "A restart forgets the velocity as soon as it leads uphill, so no curvature has to be known.",
            "On which surface would it never restart?",
            (
                "Take v = 1 and g = −1, lr = 0.1, beta = 0.9: what is the new v, what is g·v, and what is v after "
                "the test?",
                "Take two components, one uphill and one downhill: is the decision made for each, or for both "
                "together?",
            ),
        ),
    },
    7: {
        "adagrad": Guide(
            "On a surface: the rate of each coordinate",
            "Each coordinate is measured by its own past, so steep and gentle ones step alike at first.",
            "How long is the first step of a coordinate with gradient 0.001, and with 1,000?",
            (
                "Take the gradients 3 and then 4, lr = 1: what is r after each, and how long are the two steps?",
                "Give two components gradients 1 and 100. What does each step's length depend on?",
            ),
        ),
        "step_after": Guide(
            "The second downside: a steep past, a gentle present",
            "A sum never forgets: the bad minibatch stays in every later step.",
            "What would an average that fades have made of it after 100 steps?",
            (
                "Write r after the bad step, after one more, after k more.",
                "Check with the rule: feed your adagrad [bad, 1, 1, 1] and compare the lengths of its updates.",
            ),
        ),
        "steps_to_recover": Guide(
            "The second downside: a steep past, a gentle present",
            "The time to recover grows with the square of the gradient: ten times as bad, a hundred times as long.",
            "How long would it take with `bad` = 1,000 at 100 steps a second?",
            (
                "Write the two steps that are compared: step k with the bad one before, and step k of a run without "
                "it.",
                "Let a loop count for bad = 3 and share = 0.5, with your step_after. Is k whole, and the first one?",
            ),
        ),
        "tables": Guide(
            "Rare features",
            "A rare word keeps its rate, if its row gets the gradient of the whole loss.",
            "What would the optimizer have to do if it were RMSProp, where r fades also in rows that rest?",
            (
                "One step, words [0, 0], gradients 1 and 2, lr 1: what is the gradient of row 0, what is r, what is "
                "the step?",
                "Try `a = np.zeros(2); a[[0, 0]] += [1, 2]; print(a)`. Then think of what must be added up *before* "
                "it is squared.",
            ),
        ),
        "settings": Guide(
            "What this tells you about `lr`",
            "The first steps are long and stay in r for good: a warm-up keeps both small.",
            "Would RMSProp need the warm-up as much?",
            (
                "Take warmup = 20 and try lr = 0.02, 0.03, 0.05.",
                "At the best of them, halve and double the warm-up. 96 steps are all there are: how many may it last?",
            ),
        ),
        "adadelta": Guide(
            "What this tells you about `lr`",
            "Steps in the unit of the parameters: there is no distance to be guessed any more.",
            "How long is its very first step, and what decides that?",
            (
                "Set g = 1 in every step, beta = 0.5, eps = 1: write r, s and d down for two steps.",
                "Which d stands in the root of this step: the one before s, or the one after? And is eta in what d "
                "collects?",
            ),
        ),
    },
    8: {
        "rmsprop": Guide(
            "The rule in one cell",
            "One line has changed against Adagrad: the sum has become an average, so the rate comes back.",
            "How long is the very first step, at beta = 0.99?",
            (
                "Take g = 2 twice, beta = 0.5, lr = 1: write r and the two steps down, then print yours.",
                "For beta = 0.9: how much of the old r survives a step, and how much of the new square comes in?",
            ),
        ),
        "waking_step": Guide(
            "Predict first: the first step",
            "What fades while a weight sleeps makes its next step longer than lr.",
            "What is the longest step that any sleeper can make, and where have you met it?",
            (
                "In the long run r is the same at each waking. Write what happens to it in one whole period.",
                "Let your rmsprop run with a gradient in every second step, beta = 0.5: how long is the step after "
                "100 steps?",
            ),
        ),
        "mean_step": Guide(
            "Predict first: does it settle?",
            "Where noise rules, the step shrinks with it: the root of r measures the noise.",
            "What happens to the step when the batch is so large that the signal rules?",
            (
                "Write the two gradients, their mean and their mean square. What is r when its memory is very long?",
                "Average the two steps, not the two gradients' sizes. Try noise = 0: what must come out?",
            ),
        ),
        "paths": Guide(
            "The rule in one cell",
            "What a rule remembers must fade even where nothing comes in, and must stay a mean of squares.",
            "Which of the two bugs would a change of the loss's scale never show?",
            (
                "One weight, gradient 1 in every step: print `self.r` after each step, and write down what it should "
                "be.",
                "Then gradients 1, 0, 0, 1: what should r do in the steps between?",
            ),
        ),
        "combined": Guide(
            "With momentum, with Nesterov",
            "Rules are made of parts: a scaled step goes where lr·g stood.",
            "What becomes of the effective rate lr / (1 − mu) here?",
            (
                "Set mu = 0: then your updates must be those of rmsprop. Are they?",
                "Take scaled steps of 1, mu = 0.5: write v and the update of two steps down. Watch the sign of what "
                "rmsprop returns.",
            ),
        ),
        "settings": Guide(
            "With momentum, with Nesterov",
            "Few steps with little noise: here the momentum pays which added nothing in the chapter.",
            "Would it pay with batches of 16?",
            (
                "Hold mu at 0.9, and begin with a tenth of the lr that is best without momentum.",
                "Compare lr / (1 − mu) with 0.004, for the settings that you tried. Go up or down by factors of 1.5.",
            ),
        ),
        "centred_rmsprop": Guide(
            "Predict first: does it settle?",
            "It divides by the noise alone: where gradients agree, the steps grow.",
            "What limits the step when all gradients are the same?",
            (
                "Take g = 1, then −1, beta = 0.5: write r, m and r − m² down for both steps.",
                "Which mean is squared, and is it the new one? Can rounding make r − m² negative?",
            ),
        ),
    },
    9: {
        "adam": Guide(
            "Two averages",
            "m is momentum's idea, v is RMSProp's, and the corrections make both honest from the first step on.",
            "How long is the first step, whatever the gradient?",
            (
                "Take g = 2 and the defaults with lr = 1: what are m, v, both corrected ones and the step, in step 1?",
                "Do the same for step 2. Which t stands in the powers, and does the state that comes out hold the "
                "raw or the corrected ones?",
            ),
        ),
        "coast": Guide(
            "How long can a step get?",
            "m fades faster than the root of v, so Adam rolls on, less far than momentum would.",
            "What happens if beta1² is above beta2?",
            (
                "Without gradients: by which factor does m change in a step, and by which the root of v?",
                "So the steps are a geometric series. Which is its first term: the last step with a gradient, or the "
                "one after?",
            ),
        ),
        "lead": Guide(
            "The usual step: a matter of signal and noise",
            "A rare gradient counts for more with Adam than with gradient descent, and its size for nothing.",
            "How does this bear on the rare words of a text?",
            (
                "Long run, weight B: what is the mean of g, and what the mean of g²? What is the mean step then?",
                "Try c = 10: which of your terms change, and do they cancel?",
            ),
        ),
        "resumed": Guide(
            "The step",
            "Three things make Adam's state, and a copy is not a second name.",
            "Which of the bugs would a crash right after the save (`lost` = 0) never show?",
            (
                "Save, train on for a few steps, and print what was saved, before and after. What has changed?",
                "List all that `step` reads from `self`. Which of it does not come back as it was?",
            ),
        ),
        "settings": Guide(
            "Predict first: another scale",
            "Adam does not see the loss's unit, as long as eps is far below the root of v.",
            "Why could a larger lr alone do nearly the same, and what would Adam be then?",
            (
                "How large are the gradients here, about? Compare the root of v with eps.",
                "Lower eps by factors of ten until nothing changes any more; then look for lr.",
            ),
        ),
        "amsgrad": Guide(
            "Does it settle? The line at 38",
            "The largest v stays, so no rate rises again: on the chapter's counterexample it settles.",
            "What does one bad minibatch do to it?",
            (
                "Take gradients 2, then 0 twice, beta2 = 0.5: write v and the largest v so far for three steps.",
                "Which of the two goes on averaging, and which only remembers? Are both in the state?",
            ),
        ),
    },
    10: {
        "chosen": Guide(
            "What a fair comparison needs",
            "Held-out images choose, test images judge: each is looked at for one purpose.",
            "By how much is the best of eight held-out scores too good, about? (*A table of eight always has a "
            "winner.*)",
            (
                "Build a table with two rates and two seeds in which you know the answer, and one NaN. Print what "
                "you do to the NaN.",
                "Follow one number: from which table does the row come, from which the score?",
            ),
        ),
        "paired": Guide(
            "How large is chance?",
            "The kindness of a seed is in both, so it cancels in the difference.",
            "When would pairing not help at all?",
            (
                "Take a = 96, 97, 98 and b = 95.9, 96.8, 97.9: the three differences, their mean, their deviation, "
                "by hand.",
                "Of which numbers is the deviation taken, with which denominator, and what does the mean of n do to "
                "it?",
            ),
        ),
        "width": Guide(
            '"Less sensitive to hyperparameters"',
            "A width in decades says how many tries it takes to hit the hill.",
            "How many rates, spaced by a factor of 10, would be enough for your hill?",
            (
                "Draw the first table: accuracy over log10(rate), and the line 0.01 below the top. Where does it "
                "cross, left and right?",
                "Take one crossing: which two rates stand beside it, and which share of the way is it, on which axis?",
            ),
        ),
        "race": Guide(
            "What a fair comparison needs",
            "An entry of a comparison must not depend on who else was in the list.",
            "Which of the two bugs would a second rate that equals the first have shown?",
            (
                "Run race([0.01, 0.01], [0]): both rows must be the same. Are they?",
                "Print x and the first noise at the start of every run. What do two rates have in common?",
            ),
        ),
        "design": Guide(
            "What matters, and how much",
            "The rate and its schedule mattered more than the name of the rule.",
            "Which of your choices would you keep for ten times as many steps?",
            (
                "Begin with the schedule and the rate: a cosine, and Adam at 3 and at 10 times its default rate.",
                "Vary one thing at a time on the held-out images, and write down every try.",
            ),
        ),
        "schedule_free": Guide(
            "What matters, and how much",
            "An average over the past does what a falling rate does, and no end has to be known.",
            "What do you get at beta = 0, and at beta = 1?",
            (
                "g = 1, lr = 1, beta = 0.5, all from 0: write z, x and y of the first two steps down in the absolute "
                "form, then relative to y.",
                "After the update y has moved. What does that do to z − y and x − y, which the state holds?",
            ),
        ),
    },
}


def guide(exercise, name):
    """The entry of a question; None if it has none."""
    return GUIDES.get(exercise, {}).get(name)


def exercise_of(name):
    """The number of the exercise in which ``graded`` is called with this name; None if there is none."""
    return next((number for number, names in GUIDES.items() if name in names), None)
