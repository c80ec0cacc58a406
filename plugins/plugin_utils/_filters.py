# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What makes filters of functions of module_utils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

P = ParamSpec("P")
R = TypeVar("R")


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """A filter of a function: what it raises as EksError is shown as the filter's message, without a traceback."""

    @wraps(function)
    def filtered(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return function(*arguments, **options)
        except EksError as error:
            raise AnsibleFilterError(error.message) from error

    return filtered


def with_plain(function: Callable[..., R]) -> Callable[..., R]:
    """The function, called with ordinary containers in place of Ansible's."""

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> R:
        return function(*map(plain, arguments), **plain(options))

    return called


def plain(value: Any) -> Any:
    """Ansible's containers, which fill in templates as they are read, as ordinary ones."""
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
