"""The update rules of the course, in the order in which it teaches them.

An update rule is a pure function::

    update, state = rule(g, state, lr=..., ...)

``g``
    the gradient at the present point: a float, a numpy array or a torch tensor of any shape.
    Nothing in a rule asks which, and every operation is elementwise.
``state``
    a tuple: what the rule remembers from one step to the next. Leave it out on the first step;
    its default is the initial state, whose zeros broadcast to the shape of ``g``.
hyperparameters
    keyword-only. ``lr`` is the learning rate (0 or more), every ``beta`` and ``momentum`` is a decay
    factor in [0, 1), ``eps`` is a small constant that keeps a division finite (0 or more).
    They may be arrays or tensors that broadcast against ``g``: then many runs advance at once.
returns
    ``update``, to be *added* to the parameters, with the shape of ``g``; and the new state.

A rule changes nothing in place and raises nothing of its own: :func:`hyperparameters` checks the values once,
before a run, and raises ``ValueError``.
"""

import inspect


def gradient_descent(g, state=(), *, lr=0.01):
    """Step against the gradient. Cauchy (1847); the talk, slides 4 and 5."""
    return -lr * g, state


def momentum(g, state=(0.0,), *, lr=0.01, beta=0.9):
    """Keep a decaying sum of past steps. Polyak (1964); the talk, slide 8."""
    (v,) = state
    v = beta * v + lr * g
    return -v, (v,)


def nesterov(g, state=(0.0,), *, lr=0.01, beta=0.9):
    """Momentum, its gradient taken one step ahead. Nesterov (1983), Sutskever et al. (2013); the talk, slide 13."""
    (v,) = state
    v = beta * v + lr * g
    return -(beta * v + lr * g), (v,)


def adagrad(g, state=(0.0,), *, lr=0.01, eps=1e-7):
    """Divide by the root of the sum of all squared gradients. Duchi et al. (2011); the talk, slide 16."""
    (r,) = state
    r = r + g**2
    return -lr * g / (r**0.5 + eps), (r,)


def rmsprop(g, state=(0.0,), *, lr=0.001, beta=0.9, eps=1e-8):
    """Divide by the root of a moving average of squared gradients. Hinton (2012), lecture 6e; the talk, slide 18."""
    (r,) = state
    r = beta * r + (1 - beta) * g**2
    return -lr * g / (r**0.5 + eps), (r,)


def rmsprop_momentum(g, state=(0.0, 0.0), *, lr=0.001, beta=0.9, momentum=0.9, eps=1e-8):
    """RMSProp's scaled gradient, fed to momentum. The talk, slide 18."""
    r, v = state
    r = beta * r + (1 - beta) * g**2
    v = momentum * v + lr * g / (r**0.5 + eps)
    return -v, (r, v)


def rmsprop_nesterov(g, state=(0.0, 0.0), *, lr=0.001, beta=0.9, momentum=0.9, eps=1e-8):
    """RMSProp's scaled gradient, fed to Nesterov momentum. Goodfellow et al. (2016), Alg. 8.6; the talk, slide 18."""
    r, v = state
    r = beta * r + (1 - beta) * g**2
    step = lr * g / (r**0.5 + eps)
    v = momentum * v + step
    return -(momentum * v + step), (r, v)


def adam(g, state=(0.0, 0.0, 0), *, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Moving averages of g and g^2, corrected for starting at 0. Kingma and Ba (2015), Alg. 1; the talk, slide 21."""
    m, v, t = state
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return -lr * m_hat / (v_hat**0.5 + eps), (m, v, t)


# Every rule, in course order: what tests, comparisons and pictures go through.
ALL = (gradient_descent, momentum, nesterov, adagrad, rmsprop, rmsprop_momentum, rmsprop_nesterov, adam)


def initial_state(rule):
    """The state that ``rule`` starts from: the default of its ``state`` parameter, a tuple."""
    return inspect.signature(rule).parameters["state"].default


def hyperparameters(rule, **given):
    """All hyperparameters of ``rule`` as a dict: its defaults, overridden by those ``given``.

    Raises ``ValueError`` naming the hyperparameter when ``rule`` has none of that name, when the value is not a
    number, or when it is out of range: ``lr`` and ``eps`` must be finite and at least 0; every decay factor
    (``beta``, ``beta1``, ``beta2``, ``momentum``) must lie in [0, 1). Arrays and tensors are checked by their extremes.
    """
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(rule).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for name, value in given.items():
        if name not in defaults:
            raise ValueError(f"{rule.__name__} has no hyperparameter {name!r}; it has {', '.join(defaults)}")
        _check(rule.__name__, name, value)
    return defaults | given


def _check(rule_name, name, value):
    try:
        if isinstance(value, str):
            raise TypeError  # float("0.1") would take it, the rule would not
        low, high = (float(value.min()), float(value.max())) if hasattr(value, "min") else (float(value), float(value))
    except (TypeError, ValueError):
        raise ValueError(f"{rule_name}: {name} must be a number, not {value!r}") from None
    is_decay = name.startswith("beta") or name == "momentum"
    if is_decay and not (0 <= low and high < 1):
        raise ValueError(f"{rule_name}: {name} must be at least 0 and less than 1, not {value!r}")
    if name in ("lr", "eps") and not (0 <= low and high < float("inf")):
        raise ValueError(f"{rule_name}: {name} must be finite and at least 0, not {value!r}")
