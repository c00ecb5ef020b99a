"""A class among its sisters: softmax within groups of columns, for models that go down the tree step by step."""

import torch
from torch import Tensor


def log_softmax_in_groups(logits: Tensor, group: Tensor, groups: int) -> Tensor:
    """(B, K) logits to log-probabilities, (B, K), that sum to 1 within each group. group: (K,) int, below `groups`."""
    where = group.expand_as(logits)
    tops = logits.new_full((len(logits), groups), -torch.inf).scatter_reduce(1, where, logits.detach(), "amax")
    above_top = logits - tops.gather(1, where)
    totals = torch.zeros_like(tops).scatter_add(1, where, above_top.exp())
    return above_top - totals.gather(1, where).log()
