"""Any rule of the course as a ``torch.optim.Optimizer``: for ordinary PyTorch scripts, schedulers and checkpoints."""

import torch

from course_utils.rules import hyperparameters, initial_state


class Optimizer(torch.optim.Optimizer):
    """``Optimizer(model.parameters(), adam, lr=1e-3)`` steps with the pure function ``adam``.

    params: tensors or parameter groups, as every torch optimizer takes them. rule: an update rule. hyper: its
    hyperparameters, which every group may override. Raises ``ValueError`` for a hyperparameter that the rule does not
    have or that is out of range, and for integer parameters.
    """

    def __init__(self, params, rule, **hyper):
        self.rule = rule
        super().__init__(params, hyperparameters(rule, **hyper))

    def add_param_group(self, group):
        super().add_param_group(group)
        try:
            self._check(self.param_groups[-1])
        except ValueError:
            self.param_groups.pop()  # refused: the optimizer stays as it was
            raise

    def _check(self, group):
        self._hyperparameters(group)  # a group may override the defaults: check its values too
        for parameter in group["params"]:
            if not parameter.is_floating_point():
                raise ValueError(f"cannot step on integer parameters ({parameter.dtype}): use a floating-point dtype")

    def __getstate__(self):  # without it, a copied or pickled optimizer would forget its rule
        return super().__getstate__() | {"rule": self.rule}

    @torch.no_grad()
    def step(self, closure=None):
        """One update of every parameter that has a gradient. Returns the closure's loss, if there is a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyper = self._hyperparameters(group)
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if parameter.grad.is_sparse:
                    raise ValueError("the rules of the course take dense gradients: use sparse=False in the embedding")
                memory = self.state[parameter]
                state = memory.get("state", initial_state(self.rule))
                update, memory["state"] = self.rule(parameter.grad, state, **hyper)
                parameter.add_(update)
        return loss

    def _hyperparameters(self, group):
        # by name: schedulers and newer versions of torch add keys of their own to a group
        return hyperparameters(self.rule, **{name: group[name] for name in hyperparameters(self.rule)})
