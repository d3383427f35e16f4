"""Resource quantities of the Kubernetes API."""

import math
import re
from decimal import Decimal
from fractions import Fraction

_BINARY = {f"{letter}i": Fraction(2 ** (10 * power)) for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Fraction(10) ** (3 * power) for power, letter in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)}
_FACTORS = _BINARY | _DECIMAL
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+)|([A-Za-z]{0,2}))")
_NANO = 10**9
_MOST = (2**63 - 1) * _NANO


def quantity(text: str | float | None) -> Decimal:
    """A resource quantity such as ``1Gi``, ``1500m`` or ``1e3`` as a number; none is 0.

    Like the API server (API reference, Quantity; apimachinery's ``ParseQuantity``) it rounds away from 0 to a multiple
    of 10^-9, and takes anything above 2^63-1 for that. Raises ``ValueError`` for what is no quantity.
    """
    match = _FORM.fullmatch(str(text if text is not None else 0))
    if match is None or not match[0] or (match[5] or "") not in _FACTORS:
        raise ValueError(f"{text!r} is not a resource quantity")
    sign, whole, rest, exponent, suffix = match.groups(default="")
    size = len(whole + rest) + 30  # an exponent beyond this is past either bound
    shift = max(-size, min(size, int(exponent or 0)))
    exact = Fraction(int(whole + rest or 0), 10 ** len(rest)) * Fraction(10) ** shift * _FACTORS[suffix]
    nanos = min(math.ceil(exact * _NANO), _MOST)
    return Decimal(-nanos if sign == "-" else nanos) / _NANO
