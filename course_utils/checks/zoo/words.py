"""Message and hint of mistakes that several tasks share: the pairs that :func:`mistake` takes after the slug."""

# ---- of velocities and averages

NO_LR = (
    "The learning rate does not appear in your update, or not in all of it.",
    "What scales the gradient before it is added to the parameters?",
)
LR_TWICE = (
    "The learning rate is applied twice: in what you remember and again in the update, or to the old velocity as well.",
    "Count the factors of lr on the newest gradient. How many does the formula have?",
)
LR_OUTSIDE = (
    "You keep lr outside the velocity, as PyTorch does: the same steps while lr is constant, but not once it changes.",
    "In this course's convention, which of the two terms of the new velocity does lr multiply?",
)
MOVING_AVERAGE = (
    "Your velocity is a moving average of gradients, 1 - beta times the talk's sum: "
    "a valid convention, but with the same lr its steps are shorter by that factor.",
    "What weight does the talk give to the newest gradient?",
)
VELOCITY_SIGN = (
    "The old velocity enters with the wrong sign, so each step fights the one before.",
    "Which sign has the velocity in your state, and which sign does the next call expect it to have?",
)
STALE_VELOCITY = (
    "You step with the old velocity, so every gradient acts one step late.",
    "What comes first: updating the velocity or using it?",
)
NO_DECAY = (
    "Your velocity never fades: it is the sum of all steps so far.",
    "What does `beta` do to the old velocity?",
)
FORGETS_VELOCITY = (
    "The velocity of the step before plays no part in your step.",
    "Is the new velocity in the state that you return, and does the next call read it from there?",
)
BETA_SWAPPED = (
    "beta and 1 - beta are in each other's place, so the old value is forgotten almost at once.",
    "For beta = 0.9, how much of the old value should survive a step?",
)
GRADIENT_TWICE = (
    "The newest gradient counts once too often.",
    "Is lr g not already part of the new velocity?",
)
WEIGHTS = "What do the weights of the old and the new have to add up to?"

# ---- of rules that divide by a root

NO_ROOT = (
    "You divide without taking the square root.",
    "If all gradients were ten times as large, should the step change? With what you divide by, does it?",
)
EPS_INSIDE = (
    "Your eps stands inside the root.",
    "For a component whose gradients are all 1e-7, which is larger: sqrt(r + eps) or sqrt(r) + eps? "
    "Where does the formula put it?",
)
EPS_MISSING = (
    "There is no eps in your denominator.",
    "What happens to a parameter whose gradient has always been 0, and what if the caller asks for a large eps?",
)
NOT_SQUARED = (
    "You collect the gradients themselves, not their squares.",
    "What becomes of a sum when a gradient changes its sign?",
)
ABSOLUTE = (
    "You collect absolute values instead of squares.",
    "The denominator is a root. A root of what?",
)
NORM = (
    "All components share one denominator: you use a norm or a sum over components.",
    "A steep and a gentle direction: should they get the same rate?",
)
STALE_ACCUMULATOR = (
    "You divide by the old accumulator, which has not seen this gradient yet.",
    "What comes first: updating the accumulator or using it?",
)
NUMERATOR_SQUARED = (
    "The gradient in your numerator is squared as well.",
    "What would that do to the sign of the step?",
)
SIGN_ONLY = (
    "Your step uses only the sign of the gradient, every step as long as the other.",
    "What is above the fraction bar in the formula?",
)
OTHER_ROOT = (
    "The root in your denominator is not a square root.",
    "The step should not depend on the scale of the gradient. Which root of a squared gradient cancels the numerator?",
)
ROOT_STORED = (
    "You store the root back in the accumulator, so the next step squares on top of it.",
    "What should the state hold: the sum of squares or its root?",
)
LR_IN_ACCUMULATOR = (
    "The learning rate is inside your accumulator, so it cancels, or counts twice.",
    "Of what does the accumulator collect the squares?",
)
OVERWRITES = (
    "Only the newest gradient is in your denominator: what was collected before is lost.",
    "Does your assignment use the old accumulator, and is the new one in the state that you return?",
)
EPS_COLLECTED = (
    "You add eps to what is remembered, so it is collected along with the squares.",
    "Does eps belong in what is remembered, or only in the division?",
)
EPS_FLOOR = (
    "You use eps as a floor of the denominator (a maximum) instead of adding it.",
    "Which operation stands between the root and eps?",
)
EPS_FACTOR = ("You multiply the root by eps, or 1 + eps.", "Which operation stands between the root and eps?")
EPS_OUTSIDE_FRACTION = (
    "eps is not in the denominator: it is added to the fraction.",
    "What is eps to protect from? Do you need brackets?",
)
COUNT_ROOT = (
    "You divide by the root of the number of steps as well.",
    "Does the number of steps stand anywhere in the formula's rate?",
)
MAXIMUM = (
    "You keep the largest squared gradient so far.",
    "Which operation joins the old accumulator and the new square?",
)
MULTIPLIES = (
    "You multiply by the root instead of dividing.",
    "Should a steep direction get a larger or a smaller rate?",
)
STARTS_ELSEWHERE = (
    "What you remember does not start at 0.",
    "What has been collected before the first gradient?",
)

# ---- of tasks that are no rules

IN_PLACE = (
    "You change an array that the caller handed in.",
    "Which of your operations work in place (`-=`, `*=`, `out=`, `[...] =`)? The caller may still need it.",
)
