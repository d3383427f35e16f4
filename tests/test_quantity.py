"""Quantities are read as the API server reads them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsconf.quantity import quantity

MOST = 2**63 - 1
NANO = Fraction(1, 10**9)
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

digits = st.text("0123456789", min_size=1, max_size=25)
pairs = st.tuples(digits, digits)
numbers = st.one_of(digits, digits.map("{}.".format), digits.map(".{}".format), pairs.map(".".join))
suffixes = st.one_of(
    st.sampled_from([(name, Fraction(2**power)) for name, power in BINARY.items()]),
    st.sampled_from([(name, Fraction(10) ** power) for name, power in DECIMAL.items()]),
    st.builds(
        lambda letter, sign, power: (f"{letter}{sign}{power}", Fraction(10) ** (-power if sign == "-" else power)),
        st.sampled_from("eE"),
        st.sampled_from(["", "+", "-"]),
        st.integers(0, 40),
    ),
)


@settings(deadline=None)
@given(st.sampled_from(["", "+", "-"]), numbers, suffixes)
def test_every_legal_quantity_has_its_value(sign: str, number: str, suffix: tuple[str, Fraction]) -> None:
    """Exact, rounded away from 0 to 10^-9, and at most 2^63-1."""
    whole, _, rest = number.partition(".")
    exact = Fraction(int((whole + rest) or 0), 10 ** len(rest)) * suffix[1]
    found = Fraction(quantity(sign + number + suffix[0])) * (-1 if sign == "-" else 1)
    assert found == MOST if exact >= MOST else 0 <= found - exact < NANO
    assert found % NANO == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500m", "1.5"),
        ("500m", "0.5"),
        ("1e3", "1000"),
        ("12E", "12000000000000000000"),
        ("1E3", "1000"),
        ("+1", "1"),
        (".5Gi", "536870912"),
        ("1n", "1E-9"),
        ("1u", "0.000001"),
        ("0.1n", "1E-9"),
        ("-0.1n", "-1E-9"),
        ("1e999999999999", str(MOST)),
        ("1e-999999999999", "1E-9"),
        ("0e999999999999", "0"),
        (None, "0"),
        (3, "3"),
    ],
)
def test_quantities_that_look_odd(text: str | int | None, value: str) -> None:
    assert quantity(text) == min(Decimal(value), Decimal(MOST))


@pytest.mark.parametrize(
    "text", ["", "1 Gi", "1gi", "1KiB", "one", "1e", "1e1.5", "1.2.3", "--1", "0x10", "1i", "1ki", "1K"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a resource quantity"):
        quantity(text)
